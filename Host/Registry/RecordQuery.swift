import HostDatabase

/// The two statements of one page of a list: how many there are, and those of the page, newest first.
struct RecordQuery {
    private var sql = SQLText()
    private var conditions: [String] = []
    private let table: String

    init(table: String) { self.table = table }

    /// Asks for a column's value; nil asks for nothing.
    mutating func require(_ column: String, _ value: String?) {
        guard let value else { return }
        conditions.append("\(column) = \(sql.bind(.text(value)))")
    }

    /// Asks for one of several values; nil asks for nothing.
    mutating func require(_ column: String, oneOf values: [String]?) {
        guard let values else { return }
        conditions.append("\(column) IN (\(sql.bind(list: values.map { .text($0) })))")
    }

    /// Asks that a row of another table exists.
    ///
    /// - Parameters:
    ///   - source: Such as `team_members AS m WHERE m.user_id = users.id AND m.team_id`: what stands before `=`.
    ///   - value: What stands behind it; nil asks for nothing.
    mutating func requireRow(_ source: String, _ value: String?) {
        guard let value else { return }
        conditions.append("EXISTS (SELECT 1 FROM \(source) = \(sql.bind(.text(value))))")
    }

    /// Reads the page.
    mutating func page<Record: Sendable>(
        _ request: PageRequest,
        in connection: any DatabaseConnection,
        columns: String = "*",
        _ read: (DatabaseRow) throws -> Record
    ) throws -> RecordPage<Record> {
        let condition = conditions.isEmpty ? "1 = 1" : conditions.joined(separator: " AND ")
        let counted = try connection.query(
            "SELECT COUNT(*) AS number FROM \(table) WHERE \(condition)",
            sql.arguments
        )
        let limit = sql.bind(.integer(request.limit))
        let rows = try connection.query(
            """
            SELECT \(columns) FROM \(table) WHERE \(condition) ORDER BY created_at DESC, id DESC
            LIMIT \(limit) OFFSET \(sql.bind(.integer(request.offset)))
            """,
            sql.arguments
        )
        return RecordPage(
            records: try rows.map(read),
            totalCount: Int(try counted.first?.integer("number") ?? 0),
            request: request
        )
    }
}
