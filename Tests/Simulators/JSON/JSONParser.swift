import Foundation

/// Why a text is not JSON.
struct JSONParserError: Error {
    let message: String
    let offset: Int
}

/// Reads JSON strictly: RFC 8259, no duplicate member, at most 64 levels, nothing after the value.
struct JSONParser {
    private static let deepest = 64

    private let bytes: [UInt8]
    private var offset = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads one value from `bytes`, which hold nothing else.
    static func parse(_ bytes: some Sequence<UInt8>) throws(JSONParserError) -> JSON {
        var parser = JSONParser(Array(bytes))
        let value = try parser.value()
        parser.skipSpace()
        guard parser.offset == parser.bytes.count else { throw parser.failure("unexpected text after the value") }
        return value
    }

    private mutating func value() throws(JSONParserError) -> JSON {
        skipSpace()
        guard offset < bytes.count else { throw failure("unexpected end of the text") }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONParserError) in try parser.objectValue() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONParserError) in try parser.arrayValue() }
        case UInt8(ascii: "\""): return .string(try stringValue())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try numberValue()
        }
    }

    private mutating func nested(
        _ read: (inout JSONParser) throws(JSONParserError) -> JSON
    ) throws(JSONParserError) -> JSON {
        guard depth < Self.deepest else { throw failure("more than \(Self.deepest) levels") }
        depth += 1
        defer { depth -= 1 }
        return try read(&self)
    }

    private mutating func objectValue() throws(JSONParserError) -> JSON {
        offset += 1
        var object = JSONObject()
        if take(UInt8(ascii: "}")) { return .object(object) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw failure("expected a member's name") }
            let key = try stringValue()
            guard object[key] == nil else { throw failure("a member stands twice") }
            guard take(UInt8(ascii: ":")) else { throw failure("expected a colon") }
            object[key] = try value()
            if take(UInt8(ascii: "}")) { return .object(object) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected a comma or a closing brace") }
        }
    }

    private mutating func arrayValue() throws(JSONParserError) -> JSON {
        offset += 1
        var values: [JSON] = []
        if take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            values.append(try value())
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected a comma or a closing bracket") }
        }
    }

    private mutating func stringValue() throws(JSONParserError) -> String {
        offset += 1
        var text: [UInt8] = []
        while offset < bytes.count {
            let start = offset
            while offset < bytes.count, bytes[offset] != UInt8(ascii: "\""), bytes[offset] != UInt8(ascii: "\\") {
                guard bytes[offset] >= 0x20 else { throw failure("a control character in a string") }
                offset += 1
            }
            text += bytes[start..<offset]
            guard offset < bytes.count else { break }
            offset += 1
            if bytes[offset - 1] == UInt8(ascii: "\"") {
                guard let string = String(validating: text, as: UTF8.self) else { throw failure("not UTF-8") }
                return string
            }
            text += String(Character(try escapedScalar())).utf8
        }
        throw failure("a string without its end")
    }

    private mutating func escapedScalar() throws(JSONParserError) -> Unicode.Scalar {
        guard let letter = peek else { throw failure("a string without its end") }
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try hexadecimalScalar()
        default: throw failure("an unknown escape")
        }
    }

    private mutating func hexadecimalScalar() throws(JSONParserError) -> Unicode.Scalar {
        var value = try fourDigits()
        if (0xd800..<0xdc00).contains(value) {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw failure("half a surrogate pair") }
            let low = try fourDigits()
            guard (0xdc00..<0xe000).contains(low) else { throw failure("half a surrogate pair") }
            value = 0x1_0000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw failure("half a surrogate pair") }
        return scalar
    }

    private mutating func fourDigits() throws(JSONParserError) -> UInt32 {
        guard offset + 4 <= bytes.count else { throw failure("a string without its end") }
        let digits = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
        guard digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16) else {
            throw failure("an unknown escape")
        }
        offset += 4
        return value
    }

    private mutating func numberValue() throws(JSONParserError) -> JSON {
        let start = offset
        _ = takeHere(UInt8(ascii: "-"))
        let integral = digits()
        guard integral > 0, integral == 1 || bytes[offset - integral] != UInt8(ascii: "0") else {
            throw failure("not a JSON value")
        }
        var isInteger = true
        if takeHere(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw failure("not a number") }
        }
        if takeHere(UInt8(ascii: "e")) || takeHere(UInt8(ascii: "E")) {
            isInteger = false
            _ = takeHere(UInt8(ascii: "+")) || takeHere(UInt8(ascii: "-"))
            guard digits() > 0 else { throw failure("not a number") }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw failure("a number out of range") }
        return .number(value)
    }

    private mutating func digits() -> Int {
        let start = offset
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        return offset - start
    }

    private mutating func word(_ word: String, _ value: JSON) throws(JSONParserError) -> JSON {
        guard bytes[offset...].starts(with: word.utf8) else { throw failure("not a JSON value") }
        offset += word.utf8.count
        return value
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func takeHere(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        return takeHere(byte)
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    private func failure(_ message: String) -> JSONParserError { JSONParserError(message: message, offset: offset) }
}
