extension JSONScanner {
    /// The text of a string that this scanner has read.
    func text(of string: JSONString) -> String {
        guard string.hasEscapes else { return String(decoding: undecodedBytes(of: string), as: UTF8.self) }
        return String(decoding: decodedBytes(of: string, limit: .max), as: UTF8.self)
    }

    /// The bytes of a string as they stand in the text.
    func undecodedBytes(of string: JSONString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + string.start, count: string.end - string.start)
    }

    /// The UTF-8 bytes of a string that this scanner has read, escapes resolved: all, or some more than the limit.
    func decodedBytes(of string: JSONString, limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(limit, string.end - string.start))
        var index = string.start
        while index < string.end, bytes.count < limit {
            let byte = byte(at: index)
            if byte == UInt8(ascii: "\\") {
                index = appendEscape(at: index, to: &bytes)
            } else {
                bytes.append(byte)
                index += 1
            }
        }
        return bytes
    }

    private func appendEscape(at backslash: Int, to bytes: inout [UInt8]) -> Int {
        let kind = byte(at: backslash + 1)
        switch kind {
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0c)
        case UInt8(ascii: "n"): bytes.append(0x0a)
        case UInt8(ascii: "r"): bytes.append(0x0d)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): return appendUnicodeEscape(at: backslash, to: &bytes)
        default: bytes.append(kind)
        }
        return backslash + 2
    }

    private func appendUnicodeEscape(at backslash: Int, to bytes: inout [UInt8]) -> Int {
        let first = checkedUnit(at: backslash + 2)
        let isPair = first & 0xfc00 == 0xd800
        let value = isPair ? 0x10000 + ((first & 0x3ff) << 10) + (checkedUnit(at: backslash + 8) & 0x3ff) : first
        let scalar = Unicode.Scalar(value) ?? "\u{fffd}"
        bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        return backslash + (isPair ? 12 : 6)
    }

    // Four digits that have been read once without a fault.
    private func checkedUnit(at offset: Int) -> UInt32 {
        var unit: UInt32 = 0
        for index in offset..<offset + 4 {
            let digit = byte(at: index)
            unit = unit << 4 | UInt32(digit & 15) + (digit > 0x39 ? 9 : 0)
        }
        return unit
    }
}
