import CPostgreSQL

/// A statement that a connection has prepared.
struct PostgreSQLStatement {
    let name: String
    let parameterTypes: [Oid]
    private let columns: [(name: String, type: PostgreSQLType?)]
    private let places: [String: Int]

    /// Reads the server's description of a statement.
    init(name: String, description: PostgreSQLResult) {
        self.name = name
        parameterTypes = (0..<description.parameterCount).map(description.parameterType)
        columns = (0..<description.columnCount).map {
            (description.columnName($0), PostgreSQLType(rawValue: description.columnType($0)))
        }
        places = Dictionary(zip(columns.map(\.name), 0...)) { first, _ in first }
    }

    /// Checks that every column of the answer can be read.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse`.
    func checkColumns() throws(DatabaseError) {
        guard let column = columns.first(where: { $0.type == nil }) else { return }
        throw DatabaseError(.misuse, "The column \(column.name) has a type that is not read here: cast it to another.")
    }

    /// Reads the rows of an answer.
    ///
    /// - Throws: ``DatabaseError`` with `.unavailable` if it is not what the server has described.
    func rows(_ result: PostgreSQLResult) throws(DatabaseError) -> [DatabaseRow] {
        guard result.columnCount == columns.count else { throw PostgreSQLFailure.lost("An answer is garbled").error }
        var rows: [DatabaseRow] = []
        rows.reserveCapacity(result.rowCount)
        for row in 0..<result.rowCount {
            var values: [DatabaseValue] = []
            values.reserveCapacity(columns.count)
            for (place, column) in columns.enumerated() {
                values.append(try Self.value(result.bytes(row, place), column.type))
            }
            rows.append(DatabaseRow(places: places, values: values))
        }
        return rows
    }

    private static func value(
        _ bytes: UnsafeRawBufferPointer?,
        _ type: PostgreSQLType?
    ) throws(DatabaseError) -> DatabaseValue {
        guard let bytes else { return .null }
        guard let value = type?.value(bytes) else { throw PostgreSQLFailure.lost("An answer is garbled").error }
        return value
    }
}

/// The statements that a connection has prepared, the most recently used ones.
struct PostgreSQLStatementCache {
    private static let limit = 256

    private var statements: [String: (statement: PostgreSQLStatement, usedAt: UInt64)] = [:]
    private var clock: UInt64 = 0
    private var count: UInt64 = 0

    /// Finds a prepared statement by its text.
    mutating func statement(_ sql: String) -> PostgreSQLStatement? {
        clock += 1
        statements[sql]?.usedAt = clock
        return statements[sql]?.statement
    }

    /// A name that no statement of the connection has had.
    mutating func nextName() -> String {
        count += 1
        return "gantry_\(count)"
    }

    mutating func insert(_ statement: PostgreSQLStatement, for sql: String) {
        clock += 1
        statements[sql] = (statement, clock)
    }

    /// Takes out the statement that has not been used for the longest time, if there is no room for another.
    mutating func makeRoom() -> PostgreSQLStatement? {
        guard statements.count >= Self.limit, let oldest = statements.min(by: { $0.value.usedAt < $1.value.usedAt })
        else { return nil }
        statements[oldest.key] = nil
        return oldest.value.statement
    }
}
