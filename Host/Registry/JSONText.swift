import Foundation

/// Lists of strings as they stand in a column.
enum JSONText {
    static func encode(_ strings: [String]) -> String {
        // A list of strings has no value that JSON cannot write.
        let data = Result { try JSONEncoder().encode(strings) }
        switch data {
        case .success(let data): return String(decoding: data, as: UTF8.self)
        case .failure(let error): preconditionFailure("A list of strings is not JSON: \(error)")
        }
    }

    /// - Throws: ``RegistryError`` with `.internalError` if the column does not hold a list of strings.
    static func decode(_ text: String, column: String) throws(RegistryError) -> [String] {
        if let strings = plain(text) { return strings }
        do {
            return try JSONDecoder().decode([String].self, from: Data(text.utf8))
        } catch {
            throw .unreadable(column)
        }
    }

    /// What ``encode(_:)`` makes of strings that need no escape, which is nearly all there is; nil for anything else.
    ///
    /// Every row of a list has such a text, and the decoder takes more time than the rest of the row.
    private static func plain(_ text: String) -> [String]? {
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.count >= 2, bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") else {
                return nil
            }
            let end = bytes.count - 1
            var strings: [String] = []
            var index = 1
            while index < end {
                guard bytes[index] == UInt8(ascii: "\"") else { return nil }
                let start = index + 1
                index = start
                while index < end, bytes[index] != UInt8(ascii: "\"") {
                    guard bytes[index] >= 0x20, bytes[index] != UInt8(ascii: "\\") else { return nil }
                    index += 1
                }
                guard index < end else { return nil }
                strings.append(String(decoding: bytes[start..<index], as: UTF8.self))
                // A comma has to be followed by a string.
                index += 1
                guard index < end else { break }
                guard bytes[index] == UInt8(ascii: ","), index + 1 < end else { return nil }
                index += 1
            }
            return strings
        }
    }
}
