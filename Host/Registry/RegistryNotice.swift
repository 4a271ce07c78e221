import HostCore

/// What a host tells the others on the same database about what they may remember.
package enum RegistryNotice: Hashable, Sendable {
    /// What is known of this key is no longer true.
    case key(KeyDigest)
    /// What is known of any key may no longer be true.
    case keys
    /// What is known of this file is no longer true.
    case file(FileID)

    private static let filePrefix = "file:"
    private static let keyPrefix = "key:"
    private static let allKeys = "keys"

    /// Reads a published text; nil for what this version does not know.
    package init?(_ text: String) {
        if text == Self.allKeys {
            self = .keys
            return
        }
        if text.hasPrefix(Self.filePrefix) {
            guard let uuid = RecordUUID(text: text.dropFirst(Self.filePrefix.count)) else { return nil }
            self = .file(FileID(uuid: uuid))
            return
        }
        guard text.hasPrefix(Self.keyPrefix), let digest = KeyDigest(hexadecimal: text.dropFirst(Self.keyPrefix.count))
        else { return nil }
        self = .key(digest)
    }

    /// The text to be published: `key:` and the digest in lower-case hexadecimal digits, `keys`, or `file:` and a UUID.
    package var text: String {
        switch self {
        case .key(let digest): Self.keyPrefix + digest.bytes.hexadecimal
        case .keys: Self.allKeys
        case .file(let id): Self.filePrefix + id.uuid.text
        }
    }
}

extension KeyDigest {
    /// Reads 64 lower-case hexadecimal digits; nil for anything else.
    init?(hexadecimal text: Substring) {
        let digits = text.utf8.map(Self.value)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[place], let low = digits[place + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(bytes: bytes)
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
