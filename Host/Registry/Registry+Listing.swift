import HostCore
import HostDatabase

extension Registry {
    /// Lists the files that a principal may read: its own, its team's and, for an admin or a viewer, all.
    ///
    /// Files come in the order in which they were begun. Rows that come and go between two pages neither repeat nor hide
    /// another, and a file that was deleted within the last day may still be where a page starts.
    ///
    /// - Throws: ``RuleError`` with `.fileNotFound` or `.fileAccessDenied` for the file to start after;
    ///   ``RegistryError`` with `.storeUnavailable`.
    package func listFiles(for principal: Principal, _ listing: FileListing) async throws -> FilePage {
        if let deployments = listing.deployments, deployments.isEmpty { return FilePage(files: [], hasMore: false) }
        let now = clock.now()
        let page = try await inspect("listing files") { connection -> Result<FilePage, RuleError> in
            var cursor: PlaceInLists?
            if let after = listing.after {
                switch try Self.place(of: after, for: principal, in: connection) {
                case .success(let place): cursor = place
                case .failure(let error): return .failure(error)
                }
            }
            var query = FileListQuery(listing: listing, cursor: cursor, now: now)
            let statement = query.statement(for: principal)
            // A list shows nothing of the copies, so they are not read.
            let files = try connection.query(statement, query.arguments).map { try FileRows.file($0, copies: []) }
            return .success(
                FilePage(files: Array(files.prefix(listing.limit)), hasMore: files.count > listing.limit)
            )
        }
        return try page.get()
    }

    /// Where a file stands in every list.
    private static func place(
        of file: RequestedFile,
        for principal: Principal,
        in connection: any DatabaseConnection
    ) throws -> Result<PlaceInLists, RuleError> {
        let rows = try connection.query("SELECT * FROM files WHERE id = $1", [file.id.stored])
        guard let row = rows.first else { return .failure(.fileNotFound(file.clientID)) }
        let found = try FileRows.file(row, copies: [])
        guard found.status.isKnownToClients else { return .failure(.fileNotFound(file.clientID)) }
        guard principal.may(.read, found) else {
            if try row.text("status") == FileRows.deletedStatus { return .failure(.fileNotFound(file.clientID)) }
            return .failure(.fileAccessDenied(file.clientID, principal))
        }
        return .success(try PlaceInLists(row))
    }
}

extension RuleError {
    /// The error for a file of somebody else.
    fileprivate static func fileAccessDenied(_ clientID: String, _ principal: Principal) -> RuleError {
        RuleError(.fileAccessDenied, "\(principal.displayName) does not have access to the file \(clientID)")
    }
}
