import HostCore
import HostDatabase

/// The statement of one page of a list.
///
/// Own files and each team's files are searches of their own, each along its own index and each cut off after a page:
/// one search for all would have to read everything that they own.
struct FileListQuery {
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

    /// Writes the statement; one file more than the page holds is asked for, to know whether there is one.
    mutating func statement(for principal: Principal) -> String {
        let searches = scopes(for: principal).map { search(along: $0) }
        guard searches.count > 1 else { return FileRows.select(from: "(\(searches[0]))", order: direction) }
        let parts = searches.enumerated().map { "SELECT * FROM (\($1)) AS search_\($0)" }
        let source = """
            \(parts.joined(separator: " UNION ALL "))
            ORDER BY created_us \(direction), id \(direction) LIMIT \(limit)
            """
        return FileRows.select(from: "(\(source))", order: direction)
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

    private mutating func search(along scope: Scope) -> String {
        var conditions = ["status = 'ready'"]
        switch scope {
        case .everything: break
        case .owner(let owner): conditions.append(isOwned(by: owner))
        case .team(let team, let owner):
            conditions.append("team_id = \(sql.bind(.text(team.description)))")
            conditions.append("NOT (\(isOwned(by: owner)))")
        }
        if let purpose = listing.purpose { conditions.append("purpose = \(sql.bind(.text(purpose.rawValue)))") }
        conditions.append("(expires_at IS NULL OR expires_at > \(sql.bind(.integer(now.secondsSince1970))))")
        if let cursor {
            let comparison = listing.order == .newestFirst ? "<" : ">"
            let place = "(\(sql.bind(.integer(cursor.createdMicroseconds))), \(sql.bind(cursor.id.stored)))"
            conditions.append("(created_us, id) \(comparison) \(place)")
        }
        if let deployments = listing.deployments {
            let names = deployments.map { DatabaseValue.text($0.description) }
            conditions.append(
                """
                EXISTS (SELECT 1 FROM file_copies AS t WHERE t.file_id = files.id
                    AND t.deployment_id IN (\(sql.bind(list: names))))
                """
            )
        }
        return """
            SELECT * FROM files WHERE \(conditions.joined(separator: " AND "))
            ORDER BY created_us \(direction), id \(direction) LIMIT \(limit)
            """
    }

    private mutating func isOwned(by owner: Owner) -> String {
        "owner_kind = \(sql.bind(owner.stored.kind)) AND owner_id = \(sql.bind(owner.stored.id))"
    }
}

/// Where a file stands in every list.
struct FilePlaceInLists {
    let createdMicroseconds: Int64
    let id: FileID
}
