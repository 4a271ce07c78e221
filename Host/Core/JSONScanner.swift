/// Reads JSON text one value at a time and refuses whatever RFC 8259 refuses; it builds and allocates nothing.
///
/// The bytes are lent by whoever made the scanner and must outlive it.
struct JSONScanner {
    let base: UnsafeRawPointer
    let count: Int
    var position = 0

    /// Makes a scanner that stands at the first byte; nil if there is none.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return nil }
        self.base = base
        count = bytes.count
    }

    /// The byte at an offset below `count`.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        assert(offset >= 0 && offset < count)
        return base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// Skips white space; nil at the end of the text, else the byte at the new position.
    @inline(__always)
    mutating func nextByte() -> UInt8? {
        var index = position
        while index < count {
            let byte = byte(at: index)
            guard byte <= 0x20, Self.isSpace(byte) else {
                position = index
                return byte
            }
            index += 1
        }
        position = index
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    /// Skips white space and one expected byte.
    @inline(__always)
    mutating func expect(_ expected: UInt8) throws(JSONFault) {
        guard let byte = nextByte() else { throw JSONFault(.truncated, at: count) }
        guard byte == expected else { throw JSONFault(.unexpectedByte, at: position) }
        position += 1
    }

    /// Reads `true`, `false` or `null`, whose bytes are given, at the position.
    mutating func literal(_ text: StaticString) throws(JSONFault) {
        let length = text.utf8CodeUnitCount
        for index in 0..<length {
            guard position + index < count else { throw JSONFault(.truncated, at: count) }
            guard byte(at: position + index) == text.utf8Start[index] else {
                throw JSONFault(.unexpectedByte, at: position + index)
            }
        }
        position += length
    }

    /// Reads a number; RFC 8259 §6: no leading zeros, no plus sign, digits on both sides of the point.
    mutating func number() throws(JSONFault) {
        var index = position
        if byte(at: index) == UInt8(ascii: "-") { index += 1 }
        if index < count, byte(at: index) == UInt8(ascii: "0") { index += 1 } else { index = try digits(from: index) }
        if index < count, byte(at: index) == UInt8(ascii: ".") { index = try digits(from: index + 1) }
        if index < count, byte(at: index) | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < count, byte(at: index) == UInt8(ascii: "+") || byte(at: index) == UInt8(ascii: "-") {
                index += 1
            }
            index = try digits(from: index)
        }
        position = index
    }

    @inline(__always)
    private func digits(from start: Int) throws(JSONFault) -> Int {
        var index = start
        while index < count, byte(at: index) &- 0x30 < 10 { index += 1 }
        guard index > start else {
            throw index < count ? JSONFault(.invalidNumber, at: index) : JSONFault(.truncated, at: count)
        }
        return index
    }
}

/// A string or member name as it stands in the text, without its quotes.
struct JSONString: Sendable {
    let start: Int
    let end: Int
    let hasEscapes: Bool
}

/// What is wrong with a text, and where.
struct JSONFault: Error {
    enum Problem: UInt8 {
        case truncated
        case unexpectedByte
        case invalidNumber
        case invalidEscape
        case loneSurrogate
        case controlCharacter
        case invalidUTF8
        case tooDeep
        case trailingBytes
        case notAnObject
        case byteOrderMark
        case duplicateMember
        case wrongType
        case invalidModel
        case referenceTooLong
        case tooManyReferences
    }

    let problem: Problem
    let offset: Int

    init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }
}
