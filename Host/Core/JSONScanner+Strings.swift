extension JSONScanner {
    /// Reads the string whose opening quote stands at the position.
    mutating func string() throws(JSONFault) -> JSONString {
        let start = position + 1
        var index = start
        var hasEscapes = false
        while true {
            index = skipPlain(from: index)
            guard index < count else { throw JSONFault(.truncated, at: count) }
            switch byte(at: index) {
            case UInt8(ascii: "\""):
                position = index + 1
                return JSONString(start: start, end: index, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                index = try skipEscape(at: index)
            case ..<0x20:
                throw JSONFault(.controlCharacter, at: index)
            case ..<0x80:
                index += 1
            default:
                index = try skipMultibyte(at: index)
            }
        }
    }

    /// The first offset whose byte is a quote, a backslash, a control character or not ASCII, or one within 7 bytes
    /// of the end.
    @inline(__always)
    private func skipPlain(from start: Int) -> Int {
        // Most strings are short: one word decides before the wide steps are tried.
        guard start + 8 <= count else { return start }
        let marks = Self.marks(word(at: start))
        return marks != 0 ? start + marks.trailingZeroBitCount / 8 : skipPlainWords(from: start + 8)
    }

    private func skipPlainWords(from start: Int) -> Int {
        var index = start
        while index + 32 <= count {
            let marks =
                Self.marks(word(at: index)) | Self.marks(word(at: index + 8))
                | Self.marks(word(at: index + 16)) | Self.marks(word(at: index + 24))
            if marks != 0 { break }
            index += 32
        }
        while index + 8 <= count {
            let marks = Self.marks(word(at: index))
            if marks != 0 { return index + marks.trailingZeroBitCount / 8 }
            index += 8
        }
        return index
    }

    @inline(__always)
    private func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    // Eight bytes at once. The top bit of each byte of the result is set if that byte is a quote, a backslash, below
    // 0x20 or above 0x7f. A borrow can mark bytes above a marked one, never below it, so the lowest mark is exact.
    @inline(__always)
    private static func marks(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = (word ^ (ones &* 0x22)) &- ones
        let backslashes = (word ^ (ones &* 0x5c)) &- ones
        let controls = word &- (ones &* 0x20)
        return (quotes | backslashes | controls | word) & (ones &* 0x80)
    }

    private func skipEscape(at backslash: Int) throws(JSONFault) -> Int {
        guard backslash + 1 < count else { throw JSONFault(.truncated, at: count) }
        switch byte(at: backslash + 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return backslash + 2
        case UInt8(ascii: "u"):
            return try skipUnicodeEscape(at: backslash)
        default:
            throw JSONFault(.invalidEscape, at: backslash)
        }
    }

    // RFC 8259 §8.2 leaves lone surrogates to the reader; they have no UTF-8 form, so two readers would disagree.
    private func skipUnicodeEscape(at backslash: Int) throws(JSONFault) -> Int {
        let unit = try hexadecimalUnit(at: backslash + 2)
        guard unit & 0xf800 == 0xd800 else { return backslash + 6 }
        guard unit < 0xdc00, backslash + 7 < count, byte(at: backslash + 6) == UInt8(ascii: "\\"),
            byte(at: backslash + 7) == UInt8(ascii: "u"),
            try hexadecimalUnit(at: backslash + 8) & 0xfc00 == 0xdc00
        else { throw JSONFault(.loneSurrogate, at: backslash) }
        return backslash + 12
    }

    /// The value of the four hexadecimal digits at an offset.
    func hexadecimalUnit(at offset: Int) throws(JSONFault) -> UInt32 {
        guard offset + 4 <= count else { throw JSONFault(.truncated, at: count) }
        var unit: UInt32 = 0
        for index in offset..<offset + 4 {
            let digit = byte(at: index)
            guard digit.isHexadecimalDigit else { throw JSONFault(.invalidEscape, at: index) }
            unit = unit << 4 | UInt32(digit & 15) + (digit > 0x39 ? 9 : 0)
        }
        return unit
    }

    // The well-formed sequences of the Unicode Standard, table 3-7, as many as follow each other.
    private func skipMultibyte(at start: Int) throws(JSONFault) -> Int {
        var index = start
        while index < count {
            let lead = byte(at: index)
            if lead < 0x80 { break }
            let length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
            guard lead >= 0xc2, lead <= 0xf4 else { throw JSONFault(.invalidUTF8, at: index) }
            guard index + length <= count else { throw JSONFault(.truncated, at: count) }
            let second = byte(at: index + 1)
            guard second & 0xc0 == 0x80, length < 3 || byte(at: index + 2) & 0xc0 == 0x80,
                length < 4 || byte(at: index + 3) & 0xc0 == 0x80, !Self.isForbidden(lead, second)
            else { throw JSONFault(.invalidUTF8, at: index) }
            index += length
        }
        return index
    }

    // Overlong forms, surrogates, and what lies above U+10FFFF.
    @inline(__always)
    private static func isForbidden(_ lead: UInt8, _ second: UInt8) -> Bool {
        lead == 0xe0 && second < 0xa0 || lead == 0xed && second > 0x9f
            || lead == 0xf0 && second < 0x90 || lead == 0xf4 && second > 0x8f
    }
}
