import GantryPlugin

/// Finds the places of members and elements in JSON text without making values of them.
///
/// Nested values are passed over by counting brackets, so depth costs nothing; what is malformed inside of them is the
/// provider's to refuse.
struct MemberScanner {
    /// One member of an object, as byte ranges of the text.
    struct Member {
        /// With its quotes.
        let name: Range<Int>
        let value: Range<Int>
    }

    private let bytes: UnsafeRawBufferPointer
    private var position: Int

    /// Begins at a place of the text.
    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// The members of the object that begins here.
    mutating func members() throws(Failure) -> [Member] {
        var members: [Member] = []
        try items(from: "{", to: "}") { scanner throws(Failure) in
            let name = try scanner.string()
            try scanner.expect(":")
            members.append(Member(name: name, value: try scanner.value()))
        }
        return members
    }

    /// The elements of the array that begins here.
    mutating func elements() throws(Failure) -> [Range<Int>] {
        var elements: [Range<Int>] = []
        try items(from: "[", to: "]") { scanner throws(Failure) in elements.append(try scanner.value()) }
        return elements
    }

    /// Whether the value that begins here is of a kind, by its first byte.
    func begins(with byte: Unicode.Scalar) -> Bool { bytes[position] == UInt8(ascii: byte) }

    private mutating func items(
        from open: Unicode.Scalar,
        to close: Unicode.Scalar,
        _ item: (inout MemberScanner) throws(Failure) -> Void
    ) throws(Failure) {
        try expect(open)
        if skipBlanks() == UInt8(ascii: close) {
            position += 1
            return
        }
        while true {
            try item(&self)
            guard skipBlanks() == UInt8(ascii: ",") else { return try expect(close) }
            position += 1
        }
    }

    private mutating func value() throws(Failure) -> Range<Int> {
        let start: Int
        switch skipBlanks() {
        case UInt8(ascii: "\"")?: return try string()
        case UInt8(ascii: "{")?, UInt8(ascii: "[")?:
            start = position
            try skipNested()
        case UInt8(ascii: ",")?, UInt8(ascii: "]")?, UInt8(ascii: "}")?, nil: throw Self.malformed
        default:
            start = position
            while position < bytes.count, !" \t\r\n,]}".utf8.contains(bytes[position]) { position += 1 }
        }
        return start..<position
    }

    private mutating func skipNested() throws(Failure) {
        var depth = 0
        repeat {
            guard position < bytes.count else { throw Self.malformed }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
        } while depth > 0
    }

    private mutating func string() throws(Failure) -> Range<Int> {
        try expect("\"")
        let start = position - 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        throw Self.malformed
    }

    private mutating func expect(_ byte: Unicode.Scalar) throws(Failure) {
        guard skipBlanks() == UInt8(ascii: byte) else { throw Self.malformed }
        position += 1
    }

    private mutating func skipBlanks() -> UInt8? {
        while position < bytes.count {
            guard " \t\r\n".utf8.contains(bytes[position]) else { return bytes[position] }
            position += 1
        }
        return nil
    }

    private static let malformed = Failure(.invalid, "The request is not valid JSON.")
}
