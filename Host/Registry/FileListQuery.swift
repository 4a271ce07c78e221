import HostCore
import HostDatabase

/// The statement of one page of a list of files, whose rows are files without their copies.
///
/// The files for each of the deployments that are asked for are searches of their own, as those of each owner are.
struct FileListQuery {
    /// Databases take some hundreds of searches in a statement; with many they plan for longer than they search.
    private static let mostSearches = 64

    private var query: OwnedListQuery
    private let listing: FileListing
    private let now: UnixTime

    /// Describes a page; the cursor is the place of the last file of the page before.
    init(listing: FileListing, cursor: PlaceInLists?, now: UnixTime) {
        self.listing = listing
        query = OwnedListQuery(limit: listing.limit, order: listing.order, after: cursor)
        self.now = now
    }

    /// The values of the statement's placeholders.
    var arguments: [DatabaseValue] { query.sql.arguments }

    /// Writes the statement.
    mutating func statement(for principal: Principal) -> String {
        let scopes = OwnedListQuery.scopes(for: principal)
        let deployments = (listing.deployments ?? []).sorted { $0.description < $1.description }
        let isByDeployment = !deployments.isEmpty && deployments.count * scopes.count <= Self.mostSearches
        let searches = scopes.flatMap { scope in
            isByDeployment
                ? deployments.map { search(along: scope, for: $0) } : [search(along: scope, forAnyOf: deployments)]
        }
        // A file that was made for two of the deployments is found twice.
        return query.merged(searches, findTwice: isByDeployment)
    }

    private mutating func search(along scope: OwnedListQuery.Scope, forAnyOf deployments: [DeploymentID]) -> String {
        var conditions = query.place(of: scope, in: "files", id: "id") + rest()
        if !deployments.isEmpty {
            let names = query.sql.bind(list: deployments.map { .text($0.description) })
            conditions.append(
                """
                EXISTS (SELECT 1 FROM file_targets AS t WHERE t.file_id = files.id AND t.deployment_id IN (\(names)))
                """
            )
        }
        return "SELECT \(FileRows.columns) FROM files \(query.tail(conditions, in: "files", id: "id"))"
    }

    private mutating func search(along scope: OwnedListQuery.Scope, for deployment: DeploymentID) -> String {
        let target = "t.deployment_id = \(query.sql.bind(.text(deployment.description)))"
        let conditions =
            ["files.id = t.file_id", target] + query.place(of: scope, in: "t", id: "file_id") + rest()
        // SQLite reads the tables of a cross join in this order; PostgreSQL chooses it.
        return """
            SELECT \(FileRows.columns) FROM file_targets AS t CROSS JOIN files
            \(query.tail(conditions, in: "t", id: "file_id"))
            """
    }

    /// What holds of every file of a list.
    private mutating func rest() -> [String] {
        var conditions = ["files.status = 'ready'"]
        if let purpose = listing.purpose {
            conditions.append("files.purpose = \(query.sql.bind(.text(purpose.rawValue)))")
        }
        let moment = query.sql.bind(.integer(now.secondsSince1970))
        conditions.append("(files.expires_at IS NULL OR files.expires_at > \(moment))")
        return conditions
    }
}
