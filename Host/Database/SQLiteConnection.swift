import Foundation
import GRDB

/// One transaction on a SQLite connection.
struct SQLiteConnection: DatabaseConnection {
    let database: GRDB.Database

    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int {
        let values = try Self.values(sql, arguments)
        do {
            let before = database.totalChangesCount
            try database.cachedStatement(sql: sql).execute(arguments: values)
            // The count of a statement that changes no rows, such as CREATE TABLE, is that of the one before it.
            return database.totalChangesCount == before ? 0 : database.changesCount
        } catch {
            throw DatabaseError(sqlite: error)
        }
    }

    func query(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> [DatabaseRow] {
        let values = try Self.values(sql, arguments)
        do {
            let statement = try database.cachedStatement(sql: sql)
            let places = Dictionary(zip(statement.columnNames, 0...)) { first, _ in first }
            let columns = 0..<statement.columnCount
            var rows: [DatabaseRow] = []
            let cursor = try Row.fetchCursor(statement, arguments: values)
            while let row = try cursor.next() {
                rows.append(DatabaseRow(places: places, values: columns.map { DatabaseValue(sqlite: row[$0]) }))
            }
            return rows
        } catch {
            throw DatabaseError(sqlite: error)
        }
    }

    // A SQLite database has one process: nobody else is there to be told.
    func publish(_: String) throws(DatabaseError) {}

    private static func values(
        _ sql: String,
        _ arguments: [DatabaseValue]
    ) throws(DatabaseError) -> StatementArguments {
        try StatementRules.check(sql, arguments)
        return StatementArguments(arguments.map(\.sqlite))
    }
}

extension DatabaseValue {
    fileprivate init(sqlite value: GRDB.DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let integer): self = .integer(integer)
        case .double(let real): self = .real(real)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .blob(Array(data))
        }
    }

    fileprivate var sqlite: (any DatabaseValueConvertible)? {
        switch self {
        case .null: nil
        case .integer(let integer): integer
        case .real(let real): real
        case .text(let text): text
        case .blob(let bytes): Data(bytes)
        }
    }
}
