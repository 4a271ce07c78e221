extension JSON {
    /// How deep arrays and objects may nest.
    public static let maximumDepth = 128

    /// How many values one text may have: each costs some fifty bytes of memory, however short it is written.
    public static let maximumValues = 1_000_000

    /// Reads a whole text by RFC 8259, without extensions.
    ///
    /// Duplicate names, invalid UTF-8, lone surrogates, a byte order mark and nesting beyond ``maximumDepth`` are
    /// refused.
    /// - Throws: ``JSONError`` with the place of the first fault.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.document()
    }

    /// Reads a whole text by RFC 8259, without extensions.
    /// - Throws: ``JSONError`` with the place of the first fault.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONError) in try JSON(parsing: buffer) }
        }
        self = try result.get()
    }
}

/// Reads one JSON text; every access to `bytes` goes through `peek` or a range that was checked.
private struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    private var offset = 0
    private var depth = 0
    private var values = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSON {
        skipSpace()
        let value = try value()
        skipSpace()
        guard offset == bytes.count else { throw fault("something follows the value") }
        return value
    }

    private func fault(_ message: String) -> JSONError { JSONError(offset: offset, message: message) }

    private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func take(_ expected: UInt8) -> Bool {
        guard peek() == expected else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSONError) -> JSON {
        values += 1
        guard values <= JSON.maximumValues else { throw fault("there are more than \(JSON.maximumValues) values") }
        switch peek() {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: return .number(try number())
        case nil: throw fault("a value is missing")
        default: throw fault("no value starts like this")
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSON
    ) throws(JSONError) -> JSON {
        guard depth < JSON.maximumDepth else { throw fault("nesting is deeper than \(JSON.maximumDepth)") }
        depth += 1
        offset += 1
        skipSpace()
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func literal(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for index in 0..<text.utf8CodeUnitCount {
            guard take(text.utf8Start[index]) else { throw fault("unknown literal") }
        }
        return value
    }

    private mutating func array() throws(JSONError) -> JSON {
        if take(UInt8(ascii: "]")) { return .array([]) }
        var elements: [JSON] = []
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { throw fault("expected , or ]") }
            skipSpace()
        }
    }

    private mutating func object() throws(JSONError) -> JSON {
        if take(UInt8(ascii: "}")) { return .object(JSONObject()) }
        var members: [(name: String, value: JSON)] = []
        var names = NameSet()
        while true {
            guard peek() == UInt8(ascii: "\"") else { throw fault("expected a member's name") }
            let start = offset
            let name = try string()
            guard names.insert(name, into: members) else {
                throw JSONError(offset: start, message: "a name appears twice in one object")
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("expected :") }
            skipSpace()
            members.append((name, try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(JSONObject(checked: members)) }
            guard take(UInt8(ascii: ",")) else { throw fault("expected , or }") }
            skipSpace()
        }
    }

    // MARK: Numbers

    private mutating func digits() throws(JSONError) {
        let start = offset
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > start else { throw fault("expected a digit") }
    }

    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return JSONNumber(checked: String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        let start = offset
        offset = JSON.endOfPlainText(bytes, from: start)
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                let text = try validated(bytes[start..<offset], at: start)
                offset += 1
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw fault("a control character must be escaped")
            default: offset += 1
            }
        }
        throw fault("a string is not closed")
    }

    private func validated(_ text: some Sequence<UInt8>, at start: Int) throws(JSONError) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw JSONError(offset: start, message: "a string is not UTF-8")
        }
        return string
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<offset])
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                let string = try validated(text, at: start)
                offset += 1
                return string
            case UInt8(ascii: "\\"):
                offset += 1
                try escape(into: &text)
            case 0..<0x20: throw fault("a control character must be escaped")
            default:
                text.append(byte)
                offset += 1
            }
        }
        throw fault("a string is not closed")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = peek() else { throw fault("a string is not closed") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            offset += 1
            let scalar = try scalar()
            if let encoded = UTF8.encode(scalar) { text.append(contentsOf: encoded) }
            return
        default: throw fault("unknown escape")
        }
        offset += 1
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch peek() {
            case let byte? where (0x30...0x39).contains(byte): value = value << 4 | UInt32(byte & 0x0F)
            case let byte? where (0x41...0x46).contains(byte & 0xDF): value = value << 4 | UInt32((byte & 0x0F) + 9)
            default: throw fault("expected four hexadecimal digits")
            }
            offset += 1
        }
        return value
    }

    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw fault("lone surrogate") }
        let second = try codeUnit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("lone surrogate") }
        return scalar
    }
}

/// The names of one object: compared one by one while they are few, through a set when they are many.
private struct NameSet {
    private static let few = 12
    private var many: Set<ExactName> = []

    /// Adds a name that is to follow those of `members`; false if one of them has it already.
    mutating func insert(_ name: String, into members: [(name: String, value: JSON)]) -> Bool {
        guard members.count >= Self.few else {
            return !members.contains { $0.name.hasSameBytes(as: name) }
        }
        if many.isEmpty { many = Set(members.map { ExactName(text: $0.name) }) }
        return many.insert(ExactName(text: name)).inserted
    }
}
