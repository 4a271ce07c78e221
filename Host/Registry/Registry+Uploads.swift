import HostCore
import HostDatabase

extension Registry {
    private static let maximumNameBytes = 4096

    /// Writes down that a file is going to be made at these deployments; to be called before any provider is asked.
    ///
    /// There must be a target; one that is named twice counts once.
    ///
    /// - Returns: The file, `uploading`, with a pending copy for each target.
    /// - Throws: ``RegistryError`` with `.invalid` or `.storeUnavailable`.
    package func beginFile(
        _ new: NewFile,
        targets: [DeploymentID]
    ) async throws(RegistryError) -> ManagedFile {
        try Self.check(new, targets)
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        let created = DatabaseValue.integer(creationTimes.next(clock.microseconds()))
        return try await change("beginning a file") { connection in
            try Self.insert(new, at: created, now: now, into: connection)
            var seen: Set<DeploymentID> = []
            for (place, target) in targets.filter({ seen.insert($0).inserted }).enumerated() {
                try connection.execute(
                    """
                    INSERT INTO file_copies (file_id, deployment_id, place, state, begun_at, updated_at)
                    VALUES ($1, $2, $3, 'pending', $4, $5)
                    """,
                    [new.id.stored, .text(target.description), .integer(Int64(place)), now, now]
                )
            }
            return try Self.existing(new.id, in: connection)
        }
    }

    /// Makes a file usable, now that all its copies exist; does nothing to one that is.
    ///
    /// The content may be nil if it was known when the file was begun.
    ///
    /// - Returns: The file, `ready`.
    /// - Throws: ``RegistryError`` with `.notFound`; `.conflict` if a copy is not ready, the content is not known or the
    ///   file is being deleted; `.storeUnavailable`.
    package func commitFile(
        _ id: FileID,
        content: FileContent? = nil
    ) async throws(RegistryError) -> ManagedFile {
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        let committed = try await change("committing a file") { connection in
            if let content {
                try connection.execute(
                    "UPDATE files SET size_in_bytes = $1, sha256 = $2 WHERE id = $3 AND status = 'uploading'",
                    [.integer(content.sizeInBytes), .text(content.sha256), id.stored]
                )
            }
            let file = try Self.existing(id, in: connection)
            if file.status == .ready { return file }
            try Self.checkComplete(file)
            try connection.execute(
                "UPDATE files SET status = 'ready', updated_at = $1 WHERE id = $2",
                [now, id.stored]
            )
            return try Self.existing(id, in: connection)
        }
        cachedFileRecords.remove([id])
        return committed
    }

    /// Gives up a file that could not be made, after its copies have been undone as far as possible.
    ///
    /// Copies that still exist at a provider keep the record, as `deleting`, until somebody has deleted them.
    ///
    /// - Returns: Whether the record is gone.
    /// - Throws: ``RegistryError`` with `.conflict` if the file has been committed; `.storeUnavailable`.
    @discardableResult
    package func abandonFile(_ id: FileID) async throws(RegistryError) -> Bool {
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        let isGone = try await change("abandoning a file") { connection in
            guard let file = try FileRows.file(id, in: connection) else { return true }
            guard file.status != .ready else {
                throw RegistryError(.conflict, "The file has been committed: delete it instead.")
            }
            try connection.execute(
                "DELETE FROM file_copies WHERE file_id = $1 AND provider_id IS NULL",
                [id.stored]
            )
            if file.copies.allSatisfy({ $0.providerID == nil }) {
                try connection.execute("DELETE FROM files WHERE id = $1", [id.stored])
                return true
            }
            try Self.markDeleting(id, at: now, in: connection)
            return false
        }
        cachedFileRecords.remove([id])
        return isGone
    }

    /// Files that were begun or were being deleted, and of which nothing has been heard for a while: oldest first.
    ///
    /// - Parameters:
    ///   - age: How long nothing was written about the file or its copies.
    ///   - limit: At most so many.
    /// - Returns: The files with the copies that may still exist.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func unfinished(
        olderThan age: Duration,
        limit: Int = 100
    ) async throws(RegistryError) -> [ManagedFile] {
        let latest = clock.now().advanced(bySeconds: -age.components.seconds)
        return try await inspect("looking for unfinished files") { connection in
            let source = """
                (SELECT * FROM files WHERE status IN ('uploading', 'deleting') AND updated_at <= $1
                ORDER BY updated_at ASC LIMIT $2)
                """
            return try FileRows.files(
                connection.query(
                    FileRows.select(from: source),
                    [.integer(latest.secondsSince1970), .integer(Int64(limit))]
                )
            )
        }
    }

    /// A file that has to be there.
    static func existing(_ id: FileID, in connection: any DatabaseConnection) throws -> ManagedFile {
        guard let file = try FileRows.file(id, in: connection) else {
            throw RegistryError(.notFound, "The file's record does not exist, or no longer.")
        }
        return file
    }

    /// Marks a file and all its copies.
    static func markDeleting(
        _ id: FileID,
        at now: DatabaseValue,
        in connection: any DatabaseConnection
    ) throws {
        try connection.execute(
            "UPDATE files SET status = 'deleting', updated_at = $1 WHERE id = $2",
            [now, id.stored]
        )
        try connection.execute(
            "UPDATE file_copies SET state = 'deleting', updated_at = $1 WHERE file_id = $2",
            [now, id.stored]
        )
    }

    private static func checkComplete(_ file: ManagedFile) throws(RegistryError) {
        guard file.status == .uploading else { throw RegistryError(.conflict, "The file is being deleted.") }
        guard !file.copies.isEmpty, file.copies.allSatisfy({ $0.state == .ready && $0.providerID != nil }) else {
            throw RegistryError(.conflict, "The file cannot be committed: not every copy is ready.")
        }
        guard !file.sha256.isEmpty else {
            throw RegistryError(.conflict, "The file cannot be committed: its content is not known.")
        }
    }

    private static func check(_ new: NewFile, _ targets: [DeploymentID]) throws(RegistryError) {
        guard !targets.isEmpty else {
            throw RegistryError(.invalid, "A file needs at least one target.", parameter: "target_model_names")
        }
        for (text, parameter) in [(new.filename, "file"), (new.mimeType, "file")]
            + new.targetNames.map({ ($0, "target_model_names") })
        where text.utf8.count > maximumNameBytes || text.utf8.contains(0) {
            throw RegistryError(
                .invalid,
                "A name, type or target is longer than \(maximumNameBytes) bytes or has a NUL character.",
                parameter: parameter
            )
        }
    }

    private static func insert(
        _ new: NewFile,
        at created: DatabaseValue,
        now: DatabaseValue,
        into connection: any DatabaseConnection
    ) throws {
        try connection.execute(
            """
            INSERT INTO files (id, owner_kind, owner_id, team_id, purpose, filename, mime_type, size_in_bytes, sha256,
                target_names, status, created_us, expires_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'uploading', $11, $12, $13)
            """,
            [
                new.id.stored, new.owner.stored.kind, new.owner.stored.id, DatabaseValue(new.teamID?.description),
                .text(new.purpose.rawValue), .text(new.filename), .text(new.mimeType),
                DatabaseValue(new.content?.sizeInBytes), DatabaseValue(new.content?.sha256),
                .text(JSONText.encode(new.targetNames)), created, DatabaseValue(new.expiresAt?.secondsSince1970),
                now,
            ]
        )
    }
}
