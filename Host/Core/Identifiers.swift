/// The identifier of one record: 128 random bits, written as a UUID where a UUID is expected.
package struct RecordUUID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    /// Makes an identifier from its two halves.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a random (version 4) identifier from the system's secure generator.
    package static func random() -> RecordUUID {
        var generator = SystemRandomNumberGenerator()
        let high = (generator.next() & ~0xf000) | 0x4000
        let low = (generator.next() & ~(0b11 << 62)) | (0b10 << 62)
        return RecordUUID(high: high, low: low)
    }

    /// Reads the 16 bytes of an identifier, most significant first; nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        // Every row of a list has one of these: bytes that lie together are read without going through their collection.
        let together = bytes.withContiguousStorageIfAvailable { bytes in
            bytes.count == 16 ? RecordUUID(sixteen: UnsafeRawBufferPointer(bytes)) : nil
        }
        guard let id = together ?? Array(bytes).withUnsafeBytes({ $0.count == 16 ? RecordUUID(sixteen: $0) : nil })
        else { return nil }
        self = id
    }

    private init(sixteen bytes: UnsafeRawBufferPointer) {
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Reads `8-4-4-4-12` lower- or upper-case hexadecimal digits; nil for anything else.
    package init?(text: some StringProtocol) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
        let digits = groups.joined()
        guard digits.utf8.count == 32, digits.utf8.allSatisfy(\.isHexadecimalDigit) else { return nil }
        guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16) else {
            return nil
        }
        self.init(high: high, low: low)
    }

    /// The 16 bytes, most significant first.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
    }

    /// `8-4-4-4-12` lower-case hexadecimal digits.
    package var text: String {
        // Every request has one of these: it is written in place, without the small strings of an obvious way.
        String(unsafeUninitializedCapacity: 36) { text in
            Self.write(high >> 32, digits: 8, at: 0, in: text)
            text[8] = UInt8(ascii: "-")
            Self.write(high >> 16, digits: 4, at: 9, in: text)
            text[13] = UInt8(ascii: "-")
            Self.write(high, digits: 4, at: 14, in: text)
            text[18] = UInt8(ascii: "-")
            Self.write(low >> 48, digits: 4, at: 19, in: text)
            text[23] = UInt8(ascii: "-")
            Self.write(low, digits: 12, at: 24, in: text)
            return 36
        }
    }
}

extension RecordUUID {
    /// Writes the last digits of a number.
    @inline(__always)
    private static func write(_ number: UInt64, digits: Int, at start: Int, in text: UnsafeMutableBufferPointer<UInt8>)
    {
        var rest = number
        for place in (start..<start + digits).reversed() {
            let value = UInt8(truncatingIfNeeded: rest & 15)
            text[place] = value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            rest >>= 4
        }
    }
}

/// Names one managed file.
package struct FileID: Hashable, Sendable {
    package let uuid: RecordUUID

    /// Makes the identifier of the record with this UUID.
    package init(uuid: RecordUUID) { self.uuid = uuid }
}

/// Names one deployment: `model_info.id`, else a name derived from `model_name` and its position in the group.
package struct DeploymentID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Makes the identifier from its text.
    package init(_ text: String) { description = text }
}

/// Names one user.
package struct UserID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Makes the identifier from its text.
    package init(_ text: String) { description = text }
}

/// Names one team.
package struct TeamID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Makes the identifier from its text.
    package init(_ text: String) { description = text }
}

/// Names one API key; it is not the key and not its digest.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Makes the identifier from its text.
    package init(_ text: String) { description = text }
}

extension UInt8 {
    /// Whether this is an ASCII hexadecimal digit.
    package var isHexadecimalDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
