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
        if text == "[]" { return [] }
        do {
            return try JSONDecoder().decode([String].self, from: Data(text.utf8))
        } catch {
            throw .unreadable(column)
        }
    }
}
