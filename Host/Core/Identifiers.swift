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
            var place = 0
            for digit in 0..<32 {
                if [8, 12, 16, 20].contains(digit) {
                    text[place] = UInt8(ascii: "-")
                    place += 1
                }
                let half = digit < 16 ? high : low
                let value = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (digit % 16))) & 15
                text[place] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
                place += 1
            }
            return place
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
