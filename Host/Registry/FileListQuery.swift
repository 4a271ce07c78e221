import HostCore
import HostDatabase

/// The statement of one page of a list.
///
/// Own files and each team's files are searches of their own, each along its own index and each cut off after a page:
/// one search for all would have to read everything that they own. So are the files for each of the deployments that are
/// asked for.
struct FileListQuery {
    /// Databases take some hundreds of searches in a statement; with many they plan for longer than they search.
    private static let mostSearches = 64

    private(set) var sql = SQLText()
    private let listing: FileListing
    private let cursor: FilePlaceInLists?
    private let now: UnixTime

    /// Describes a page; the cursor is the place of the last file of the page before.
    init(listing: FileListing, cursor: FilePlaceInLists?, now: UnixTime) {
        self.listing = listing
        self.cursor = cursor
        self.now = now
    }

    /// Writes the statement, whose rows are files without their copies; one more than the page holds is asked for, to
    /// know whether there is one.
    mutating func statement(for principal: Principal) -> String {
        let scopes = scopes(for: principal)
        let deployments = (listing.deployments ?? []).sorted { $0.description < $1.description }
        let isByDeployment = !deployments.isEmpty && deployments.count * scopes.count <= Self.mostSearches
        let searches = scopes.flatMap { scope in
            isByDeployment
                ? deployments.map { search(along: scope, for: $0) } : [search(along: scope, forAnyOf: deployments)]
        }
        guard searches.count > 1 else { return searches[0] }
        // A file that was made for two of the deployments is found twice.
        let operation = isByDeployment ? "UNION" : "UNION ALL"
        let parts = searches.enumerated().map { "SELECT * FROM (\($1)) AS search_\($0)" }
        return """
            \(parts.joined(separator: " \(operation) "))
            ORDER BY created_us \(direction), id \(direction) LIMIT \(limit)
            """
    }

    private enum Scope {
        case everything
        case owner(Owner)
        case team(TeamID, butNot: Owner)
    }

    private var direction: String { listing.order == .newestFirst ? "DESC" : "ASC" }

    private var limit: String {
        mutating get { sql.bind(.integer(Int64(listing.limit) + 1)) }
    }

    /// The files that `Principal.may(_:_:)` lets a principal read.
    private func scopes(for principal: Principal) -> [Scope] {
        guard principal.role == .user else { return [.everything] }
        let teams = principal.sharedTeams.sorted { $0.description < $1.description }
        return [.owner(principal.owner)] + teams.map { .team($0, butNot: principal.owner) }
    }

    private mutating func search(along scope: Scope, forAnyOf deployments: [DeploymentID]) -> String {
        var conditions = place(of: scope, in: "files", id: "id") + rest()
        if !deployments.isEmpty {
            let names = sql.bind(list: deployments.map { .text($0.description) })
            conditions.append(
                """
                EXISTS (SELECT 1 FROM file_targets AS t WHERE t.file_id = files.id AND t.deployment_id IN (\(names)))
                """
            )
        }
        return """
            SELECT \(FileRows.columns) FROM files WHERE \(conditions.joined(separator: " AND "))
            ORDER BY created_us \(direction), id \(direction) LIMIT \(limit)
            """
    }

    private mutating func search(along scope: Scope, for deployment: DeploymentID) -> String {
        let target = "t.deployment_id = \(sql.bind(.text(deployment.description)))"
        let conditions = [target] + place(of: scope, in: "t", id: "file_id") + rest()
        // SQLite reads the tables of a cross join in this order; PostgreSQL chooses it.
        return """
            SELECT \(FileRows.columns) FROM file_targets AS t CROSS JOIN files
            WHERE files.id = t.file_id AND \(conditions.joined(separator: " AND "))
            ORDER BY t.created_us \(direction), t.file_id \(direction) LIMIT \(limit)
            """
    }

    /// Where in the list of a scope the page begins.
    private mutating func place(of scope: Scope, in table: String, id: String) -> [String] {
        var conditions: [String] = []
        switch scope {
        case .everything: break
        case .owner(let owner): conditions.append(isOwned(by: owner, table))
        case .team(let team, let owner):
            conditions.append("\(table).team_id = \(sql.bind(.text(team.description)))")
            conditions.append("NOT (\(isOwned(by: owner, table)))")
        }
        if let cursor {
            let comparison = listing.order == .newestFirst ? "<" : ">"
            let place = "(\(sql.bind(.integer(cursor.createdMicroseconds))), \(sql.bind(cursor.id.stored)))"
            conditions.append("(\(table).created_us, \(table).\(id)) \(comparison) \(place)")
        }
        return conditions
    }

    /// What holds of every file of a list.
    private mutating func rest() -> [String] {
        var conditions = ["files.status = 'ready'"]
        if let purpose = listing.purpose { conditions.append("files.purpose = \(sql.bind(.text(purpose.rawValue)))") }
        let moment = sql.bind(.integer(now.secondsSince1970))
        conditions.append("(files.expires_at IS NULL OR files.expires_at > \(moment))")
        return conditions
    }

    private mutating func isOwned(by owner: Owner, _ table: String) -> String {
        let kind = sql.bind(owner.stored.kind)
        return "\(table).owner_kind = \(kind) AND \(table).owner_id = \(sql.bind(owner.stored.id))"
    }
}

/// Where a file stands in every list.
struct FilePlaceInLists {
    let createdMicroseconds: Int64
    let id: FileID
}
