import HostCore
import HostDatabase

/// Rows that stay as they are until the end of the transaction.
enum LockedRows {
    /// - Throws: ``RegistryError`` with `.notFound`.
    static func user(_ id: UserID, in connection: any DatabaseConnection, _ dialect: SQLDialect) throws -> DatabaseRow {
        let sql = "SELECT * FROM users WHERE id = $1 \(dialect.rowLock)"
        guard let row = try connection.query(sql, [.text(id.description)]).first else {
            throw RegistryError(.notFound, "There is no such user: make it first.", parameter: "user_id")
        }
        return row
    }

    /// - Throws: ``RegistryError`` with `.notFound`.
    static func team(_ id: TeamID, in connection: any DatabaseConnection, _ dialect: SQLDialect) throws -> DatabaseRow {
        let sql = "SELECT * FROM teams WHERE id = $1 \(dialect.rowLock)"
        guard let row = try connection.query(sql, [.text(id.description)]).first else {
            throw RegistryError(.notFound, "There is no such team: make it first.", parameter: "team_id")
        }
        return row
    }

    /// A key's row; without a dialect it is read and not locked.
    ///
    /// - Returns: Nil if there is no such key.
    static func key(
        _ selector: KeySelector,
        in connection: any DatabaseConnection,
        _ dialect: SQLDialect?
    ) throws -> KeyRecord? {
        let sql = "SELECT * FROM keys WHERE \(selector.column) = $1 \(dialect?.rowLock ?? "")"
        return try connection.query(sql, [selector.value]).first.map { try KeyRecord($0) }
    }
}
