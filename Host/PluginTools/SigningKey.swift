import Crypto
import Foundation
import Glibc
import HostPlugins

/// A private key that plugins are signed with, and its file: `ed25519-private:` and 32 bytes in base 64.
package struct SigningKey: Sendable {
    private static let prefix = "ed25519-private:"
    private static let maximumSizeInBytes = 256

    let key: Curve25519.Signing.PrivateKey

    /// What signatures by this key are checked with.
    package var publicKey: PluginKey { PluginKey(key.publicKey) }

    /// Reads a key that nobody else can read.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``ToolError`` with `.file`.
    package init(contentsOf path: String) throws(ToolError) {
        let bytes: [UInt8]
        do throws(RegularFile.Failure) {
            bytes = try RegularFile.read(path, atMost: Self.maximumSizeInBytes, isSecret: true)
        } catch {
            throw ToolError(.file, "\(path): \(error.reason).")
        }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
        guard text.hasPrefix(Self.prefix),
            let data = Data(base64Encoded: String(text.dropFirst(Self.prefix.count)))
        else {
            throw ToolError(.file, "\(path): this is no private key. Make one with `gantry plugin keygen`.")
        }
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: data)
        } catch {
            throw ToolError(.file, "\(path): this is no private key. Make one with `gantry plugin keygen`.")
        }
    }

    /// Makes a new key and its file, which only its owner may read.
    ///
    /// - Parameter path: The file; one that is there already is not touched.
    /// - Returns: The key.
    /// - Throws: ``ToolError`` with `.file`.
    package static func make(at path: String) throws(ToolError) -> SigningKey {
        let made = Curve25519.Signing.PrivateKey()
        let text = prefix + made.rawRepresentation.base64EncodedString() + "\n"
        try AtomicFile.create(Array(text.utf8), at: path, mode: 0o600)
        return SigningKey(key: made)
    }

    private init(key: Curve25519.Signing.PrivateKey) { self.key = key }
}
