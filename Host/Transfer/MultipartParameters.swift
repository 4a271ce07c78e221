import HostCore

/// A header value with parameters, such as `form-data; name="file"; filename="a.pdf"`.
struct MultipartParameters {
    /// What stands before the first semicolon, in lower case.
    let main: String
    private let values: [String: String]

    /// Reads a value; parameter names are compared without case, and none may come twice.
    ///
    /// Quoted values are read as clients write them: `\"` and `\\` are escapes, any other backslash stands for itself,
    /// since older browsers send Windows paths.
    init(_ text: String) throws(RuleError) {
        var cursor = Cursor(bytes: Array(text.utf8))
        main = cursor.take(until: [UInt8(ascii: ";")]).lowercased()
        var values: [String: String] = [:]
        while cursor.skipSeparator() {
            let name = cursor.take(until: [UInt8(ascii: "="), UInt8(ascii: ";")]).lowercased()
            guard !name.isEmpty, name.utf8.allSatisfy(\.isTokenCharacter), let value = cursor.value(),
                values.updateValue(value, forKey: name) == nil
            else { throw Self.malformed }
        }
        guard cursor.isAtEnd else { throw Self.malformed }
        self.values = values
    }

    /// The value of a parameter, its quotes removed; nil if it is absent.
    func value(_ name: String) -> String? { values[name] }

    private static let malformed = RuleError(
        .invalidRequest,
        "A header of the multipart body is malformed: its parameters are not name=value pairs, each name once."
    )

    /// A position in the bytes of a value.
    private struct Cursor {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        /// Takes the bytes before the next of these, without the spaces around them.
        mutating func take(until ends: [UInt8]) -> String {
            let start = position
            while position < bytes.count, !ends.contains(bytes[position]) { position += 1 }
            return String(String(decoding: bytes[start..<position], as: UTF8.self)[...].trimmingSpaces)
        }

        mutating func skipSpaces() {
            while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
        }

        /// Takes a semicolon and the spaces around it; false at the end, or if nothing follows it.
        mutating func skipSeparator() -> Bool {
            skipSpaces()
            guard position < bytes.count, bytes[position] == UInt8(ascii: ";") else { return false }
            position += 1
            skipSpaces()
            return position < bytes.count
        }

        mutating func value() -> String? {
            guard position < bytes.count, bytes[position] == UInt8(ascii: "=") else { return nil }
            position += 1
            skipSpaces()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                let value = take(until: [UInt8(ascii: ";")])
                return value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") } || value.isEmpty ? nil : value
            }
            return quotedValue()
        }

        private mutating func quotedValue() -> String? {
            var value: [UInt8] = []
            position += 1
            while position < bytes.count {
                var byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: "\"") { return String(validating: value, as: UTF8.self) }
                if byte == UInt8(ascii: "\\"), position < bytes.count,
                    bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "\\")
                {
                    byte = bytes[position]
                    position += 1
                }
                value.append(byte)
            }
            return nil
        }
    }
}
