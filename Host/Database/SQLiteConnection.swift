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
        // To SQLite, `$2` is a name and its place is where it first stands; PostgreSQL goes by the number. Statements
        // that would mean two things are refused.
        guard placeholderCount(sql) == arguments.count else {
            throw DatabaseError(
                .misuse,
                "The placeholders of a statement are not $1 to $\(arguments.count) in the order of their first use."
            )
        }
        for case .text(let text) in arguments where text.utf8.contains(0) {
            throw DatabaseError(.misuse, "A text with a NUL character cannot be stored: remove the character.")
        }
        return StatementArguments(arguments.map(\.sqlite))
    }

    /// How many placeholders a statement has; nil unless they are `$1…$n` in the order of their first use.
    ///
    /// A `$` in quotes counts too: statements have their values as arguments.
    static func placeholderCount(_ sql: String) -> Int? {
        var highest = 0
        var number: Int?
        for byte in sql.utf8 {
            if let current = number, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), current < 1 << 16 {
                number = current * 10 + Int(byte - UInt8(ascii: "0"))
                continue
            }
            if let current = number {
                guard current >= 1, current <= highest + 1 else { return nil }
                highest = max(highest, current)
            }
            number = byte == UInt8(ascii: "$") ? 0 : nil
        }
        guard let last = number else { return highest }
        guard last >= 1, last <= highest + 1 else { return nil }
        return max(highest, last)
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
