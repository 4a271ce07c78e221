import HostCore
import HostDatabase

/// The statement of one page of a list of what a principal may read.
///
/// Own records and each team's records are searches of their own, each along its own index and each cut off after a page:
/// one search for all would have to read everything that they own. Tables have the columns `id`, `created_us`,
/// `owner_kind`, `owner_id` and `team_id`.
struct OwnedListQuery {
    /// Part of what a principal may read: each is a search.
    enum Scope {
        case everything
        case owner(Owner)
        case team(TeamID, butNot: Owner)
    }

    var sql = SQLText()
    private let pageSize: Int
    private let order: FileListing.Order
    private let after: PlaceInLists?

    /// Describes a page.
    ///
    /// - Parameters:
    ///   - limit: How many records the page holds; one more is asked for, to know whether there is one.
    ///   - order: By the time of their creation.
    ///   - after: The place of the last record of the page before.
    init(limit: Int, order: FileListing.Order, after: PlaceInLists?) {
        pageSize = limit
        self.order = order
        self.after = after
    }

    /// The records that `Principal.may(_:_:)` lets a principal read.
    static func scopes(for principal: Principal) -> [Scope] {
        guard principal.role == .user else { return [.everything] }
        let teams = principal.sharedTeams.sorted { $0.description < $1.description }
        return [.owner(principal.owner)] + teams.map { .team($0, butNot: principal.owner) }
    }

    /// Writes the statement for a table whose records have nothing else to be searched by.
    mutating func statement(
        for principal: Principal,
        from table: String,
        columns: String,
        where rest: (inout SQLText) -> [String]
    ) -> String {
        let searches = Self.scopes(for: principal).map { scope in
            let conditions = place(of: scope, in: table, id: "id") + rest(&sql)
            return "SELECT \(columns) FROM \(table) \(tail(conditions, in: table, id: "id"))"
        }
        return merged(searches, findTwice: false)
    }

    /// Where in the list of a scope the page begins.
    mutating func place(of scope: Scope, in table: String, id: String) -> [String] {
        var conditions: [String] = []
        switch scope {
        case .everything: break
        case .owner(let owner): conditions.append(isOwned(by: owner, table))
        case .team(let team, let owner):
            conditions.append("\(table).team_id = \(sql.bind(.text(team.description)))")
            conditions.append("NOT (\(isOwned(by: owner, table)))")
        }
        if let after {
            let comparison = order == .newestFirst ? "<" : ">"
            let place = "(\(sql.bind(.integer(after.createdMicroseconds))), \(sql.bind(after.id)))"
            conditions.append("(\(table).created_us, \(table).\(id)) \(comparison) \(place)")
        }
        return conditions
    }

    /// How a search ends.
    mutating func tail(_ conditions: [String], in table: String, id: String) -> String {
        """
        WHERE \(conditions.joined(separator: " AND "))
        ORDER BY \(table).created_us \(direction), \(table).\(id) \(direction) LIMIT \(limit)
        """
    }

    /// Makes one list of several searches.
    ///
    /// - Parameters:
    ///   - searches: The searches, at least one.
    ///   - findTwice: Whether two searches may find the same record.
    /// - Returns: The statement.
    mutating func merged(_ searches: [String], findTwice: Bool) -> String {
        guard searches.count > 1 else { return searches[0] }
        let operation = findTwice ? "UNION" : "UNION ALL"
        let parts = searches.enumerated().map { "SELECT * FROM (\($1)) AS search_\($0)" }
        return """
            \(parts.joined(separator: " \(operation) "))
            ORDER BY created_us \(direction), id \(direction) LIMIT \(limit)
            """
    }

    private var direction: String { order == .newestFirst ? "DESC" : "ASC" }

    private var limit: String {
        mutating get { sql.bind(.integer(Int64(pageSize) + 1)) }
    }

    private mutating func isOwned(by owner: Owner, _ table: String) -> String {
        let kind = sql.bind(owner.stored.kind)
        return "\(table).owner_kind = \(kind) AND \(table).owner_id = \(sql.bind(owner.stored.id))"
    }
}

/// Where a record stands in every list.
struct PlaceInLists {
    let createdMicroseconds: Int64
    /// As it stands in its column.
    let id: DatabaseValue

    /// The place of a row.
    init(_ row: DatabaseRow) throws {
        createdMicroseconds = try row.integer("created_us")
        id = try row.value("id")
    }
}
