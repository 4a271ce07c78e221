extension JSONScanner {
    /// Reads the string whose opening quote stands at the position.
    @inline(__always)
    mutating func string() throws(JSONFault) -> JSONString {
        let start = position + 1
        // Most strings are names and other short words: they end within one vector.
        guard start + 16 <= count else { return try longString(from: start, checked: start) }
        let marks = marks(at: start)
        guard marks != .zero else { return try longString(from: start, checked: start + 16) }
        let end = start + Self.firstMark(marks)
        guard byte(at: end) == UInt8(ascii: "\"") else { return try longString(from: start, checked: end) }
        position = end + 1
        return JSONString(start: start, end: end, hasEscapes: false)
    }

    // Reads on from where nothing special has been met.
    @inline(never)
    private mutating func longString(from start: Int, checked: Int) throws(JSONFault) -> JSONString {
        var index = checked
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

    /// The first offset whose byte is a quote, a backslash, a control character or not ASCII, or one within 15 bytes
    /// of the end.
    @inline(__always)
    private func skipPlain(from start: Int) -> Int {
        // Most strings are short: one vector decides before the wide steps are tried.
        guard start + 16 <= count else { return skipPlainWord(from: start) }
        let marks = marks(at: start)
        return marks == .zero ? skipPlainVectors(from: start + 16) : start + Self.firstMark(marks)
    }

    private func skipPlainVectors(from start: Int) -> Int {
        var index = start
        while index + 64 <= count {
            let low = marks(at: index) | marks(at: index + 16)
            let high = marks(at: index + 32) | marks(at: index + 48)
            if low | high != .zero { break }
            index += 64
        }
        while index + 16 <= count {
            let marks = marks(at: index)
            if marks != .zero { return index + Self.firstMark(marks) }
            index += 16
        }
        return skipPlainWord(from: index)
    }

    @inline(__always)
    private func skipPlainWord(from start: Int) -> Int {
        guard start + 8 <= count else { return start }
        let marks = Self.marks(word(at: start))
        return marks == 0 ? start + 8 : start + marks.trailingZeroBitCount / 8
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
            index = skipPairsOfThree(from: index)
            guard index < count else { break }
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

    // Most of the world's scripts have three bytes a character: two characters at once while they are well-formed.
    @inline(__always)
    private func skipPairsOfThree(from start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let word = word(at: index)
            guard word & 0x0000_c0c0_f0c0_c0f0 == 0x0000_8080_e080_80e0, !Self.isForbiddenThree(word),
                !Self.isForbiddenThree(word >> 24)
            else { break }
            index += 6
        }
        return index
    }

    // An overlong form begins with E0 and 80 to 9F, a surrogate with ED and A0 to BF.
    @inline(__always)
    private static func isForbiddenThree(_ word: UInt64) -> Bool {
        word & 0x200f == 0 || word & 0x200f == 0x200d
    }

    // Overlong forms, surrogates, and what lies above U+10FFFF.
    @inline(__always)
    private static func isForbidden(_ lead: UInt8, _ second: UInt8) -> Bool {
        lead == 0xe0 && second < 0xa0 || lead == 0xed && second > 0x9f
            || lead == 0xf0 && second < 0x90 || lead == 0xf4 && second > 0x8f
    }
}
