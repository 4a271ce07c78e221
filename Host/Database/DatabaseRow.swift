/// One row of an answer; its columns are read by name.
package struct DatabaseRow: Sendable {
    private let places: [String: Int]
    private let values: [DatabaseValue]

    /// Makes a row.
    ///
    /// - Parameters:
    ///   - places: Where each column stands in `values`; the rows of one answer share it.
    ///   - values: The values.
    package init(places: [String: Int], values: [DatabaseValue]) {
        self.places = places
        self.values = values
    }

    /// The value of a column.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the answer has no such column.
    package func value(_ column: String) throws(DatabaseError) -> DatabaseValue {
        guard let place = places[column], place < values.count else {
            throw DatabaseError(.misuse, "The answer has no column \(column): name it in the statement.")
        }
        return values[place]
    }

    /// The integer in a column.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the column is missing, null or of another type.
    package func integer(_ column: String) throws(DatabaseError) -> Int64 {
        try present(integerIfPresent(column), column)
    }

    /// The text in a column.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the column is missing, null or of another type.
    package func text(_ column: String) throws(DatabaseError) -> String {
        try present(textIfPresent(column), column)
    }

    /// The bytes in a column.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the column is missing, null or of another type.
    package func blob(_ column: String) throws(DatabaseError) -> [UInt8] {
        guard case .blob(let bytes) = try value(column) else { throw .wrongType(column) }
        return bytes
    }

    /// Whether the integer in a column is not 0.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the column is missing, null or of another type.
    package func bool(_ column: String) throws(DatabaseError) -> Bool { try integer(column) != 0 }

    /// The integer in a column, or nil for null.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the column is missing or of another type.
    package func integerIfPresent(_ column: String) throws(DatabaseError) -> Int64? {
        switch try value(column) {
        case .null: nil
        case .integer(let value): value
        default: throw .wrongType(column)
        }
    }

    /// The text in a column, or nil for null.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the column is missing or of another type.
    package func textIfPresent(_ column: String) throws(DatabaseError) -> String? {
        switch try value(column) {
        case .null: nil
        case .text(let value): value
        default: throw .wrongType(column)
        }
    }

    /// The real number in a column, or nil for null; an integer is read as one.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the column is missing or of another type.
    package func realIfPresent(_ column: String) throws(DatabaseError) -> Double? {
        switch try value(column) {
        case .null: nil
        case .real(let value): value
        case .integer(let value): Double(value)
        default: throw .wrongType(column)
        }
    }

    private func present<Value>(_ value: Value?, _ column: String) throws(DatabaseError) -> Value {
        guard let value else { throw .wrongType(column) }
        return value
    }
}

extension DatabaseError {
    fileprivate static func wrongType(_ column: String) -> DatabaseError {
        DatabaseError(.misuse, "The column \(column) holds another type than was asked for.")
    }
}
