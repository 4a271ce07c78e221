import Crypto
import FoundationEssentials

/// A public key that plugins are signed with: `ed25519:` and 32 bytes in base 64.
package struct PluginKey: Hashable, Sendable, CustomStringConvertible {
    package static let prefix = "ed25519:"

    /// 32 bytes.
    private let bytes: [UInt8]

    /// Takes over a key.
    package init(_ key: Curve25519.Signing.PublicKey) { bytes = Array(key.rawRepresentation) }

    /// Reads a key; nil for all that ``description`` cannot have made.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), let data = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))),
            data.count == 32
        else { return nil }
        bytes = Array(data)
        guard description == text else { return nil }
    }

    package var description: String { Self.prefix + Data(bytes).base64EncodedString() }

    /// The key for the cryptographic library; nil for bytes that it does not take.
    var publicKey: Curve25519.Signing.PublicKey? {
        do {
            return try Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        } catch {
            return nil
        }
    }
}
