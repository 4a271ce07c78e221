import HostCore
import HostDatabase

/// The statement of one page of a list.
///
/// Own files and the team's files are two searches, each along its own index and each cut off after a page: one search
/// for both would have to read everything that the two own.
struct FileListQuery {
    private(set) var sql = SQLText()
    private let listing: FileListing
    private let cursor: Int64?
    private let now: UnixTime

    /// Describes a page; the cursor is the sequence of the last file of the page before.
    init(listing: FileListing, cursor: Int64?, now: UnixTime) {
        self.listing = listing
        self.cursor = cursor
        self.now = now
    }

    /// Writes the statement; one file more than the page holds is asked for, to know whether there is one.
    mutating func statement(for principal: Principal) -> String {
        var source = search(along: scopes(for: principal)[0])
        if scopes(for: principal).count > 1 {
            let second = search(along: scopes(for: principal)[1])
            source = """
                SELECT * FROM (\(source)) AS own UNION ALL SELECT * FROM (\(second)) AS shared
                ORDER BY sequence \(direction) LIMIT \(sql.bind(.integer(Int64(listing.limit) + 1)))
                """
        }
        return FileRows.select(from: "(\(source))", order: direction)
    }

    private enum Scope {
        case everything
        case owner(Owner)
        case team(TeamID, butNot: Owner)
    }

    private var direction: String { listing.order == .newestFirst ? "DESC" : "ASC" }

    /// The files that `Principal.may(_:_:)` lets a principal read.
    private func scopes(for principal: Principal) -> [Scope] {
        guard principal.role == .user else { return [.everything] }
        guard let teamID = principal.teamID else { return [.owner(principal.owner)] }
        return [.owner(principal.owner), .team(teamID, butNot: principal.owner)]
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
        conditions.append("(expires_at IS NULL OR expires_at > \(sql.bind(.integer(now.secondsSince1970))))")
        if let cursor {
            let comparison = listing.order == .newestFirst ? "<" : ">"
            conditions.append("sequence \(comparison) \(sql.bind(.integer(cursor)))")
        }
        if let purpose = listing.purpose { conditions.append("purpose = \(sql.bind(.text(purpose.rawValue)))") }
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
            ORDER BY sequence \(direction) LIMIT \(sql.bind(.integer(Int64(listing.limit) + 1)))
            """
    }

    private mutating func isOwned(by owner: Owner) -> String {
        "owner_kind = \(sql.bind(owner.stored.kind)) AND owner_id = \(sql.bind(owner.stored.id))"
    }
}
