import HostCore
import HostDatabase

extension Registry: CopyJournal {
    /// Notes a provider's id the moment it exists; a repeat with the same id does nothing.
    ///
    /// - Throws: ``RegistryError``: whoever created the copy has to delete it again. `.conflict` if another id is noted
    ///   already, which is not lost sight of; `.notFound` if the file is gone; `.storeUnavailable`.
    package func remember(
        _ file: FileID,
        at deployment: DeploymentID,
        providerID: String
    ) async throws(RegistryError) {
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        let isWanted = try await change("noting a copy") { [rowLock, worker] connection in
            let isWanted = try Self.isWanted(file, rowLock, at: now, in: connection)
            // A copy that was forgotten meanwhile, say by a sweep, is written down again: it exists.
            let noted = try connection.execute(
                """
                INSERT INTO file_copies (file_id, deployment_id, place, provider_id, state, begun_at, updated_at, worker)
                VALUES ($1, $2, 0, $3, $4, $5, $6, $7)
                ON CONFLICT (file_id, deployment_id)
                DO UPDATE SET provider_id = excluded.provider_id, updated_at = excluded.updated_at
                WHERE file_copies.provider_id IS NULL OR file_copies.provider_id = excluded.provider_id
                """,
                [
                    file.stored, .text(deployment.description), .text(providerID),
                    .text((isWanted ? CopyState.pending : .failed).rawValue), now, now, .text(worker.text),
                ]
            )
            guard noted == 1 else {
                throw RegistryError(.conflict, "Another copy of the file is already noted for the deployment.")
            }
            try Self.touch(file, at: now, in: connection)
            return isWanted
        }
        cachedFileRecords.remove([file])
        guard isWanted else { throw RegistryError(.notFound, "The file is gone: its copy has to go, too.") }
    }

    /// Whether a copy of a file is of any use; a file that was thought to be gone is opened again to be removed.
    private static func isWanted(
        _ file: FileID,
        _ rowLock: String,
        at now: DatabaseValue,
        in connection: any DatabaseConnection
    ) throws -> Bool {
        let rows = try connection.query("SELECT status FROM files WHERE id = $1 \(rowLock)", [file.stored])
        guard let status = try rows.first?.text("status") else {
            throw RegistryError(.notFound, "The file's record does not exist, or no longer.")
        }
        guard status == FileRows.deletedStatus || status == FileStatus.expired.rawValue else {
            return status != FileStatus.deleting.rawValue
        }
        try connection.execute(
            "UPDATE files SET status = 'deleting', worker = NULL, retry_at = 0, updated_at = $1 WHERE id = $2",
            [now, file.stored]
        )
        return false
    }

    /// Notes that the provider is about to be asked for the copy; does nothing if it is not pending.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func begin(_ file: FileID, at deployment: DeploymentID) async throws(RegistryError) {
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        try await change("beginning to make a copy") { connection in
            _ = try connection.execute(
                """
                UPDATE file_copies SET begun_at = $1, updated_at = $2
                WHERE file_id = $3 AND deployment_id = $4 AND state = 'pending'
                """,
                [now, now, file.stored, .text(deployment.description)]
            )
        }
    }

    /// Notes that the copy is complete and can be used.
    ///
    /// - Throws: ``RegistryError``: whoever created the copy has to delete it again. `.notFound` if it is not noted,
    ///   `.conflict` if it is being deleted; `.storeUnavailable`.
    package func complete(
        _ file: FileID,
        at deployment: DeploymentID,
        providerID: String,
        expiresAt: UnixTime?
    ) async throws(RegistryError) {
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        let state = try await change("noting a complete copy") { [rowLock] connection in
            try Self.lock(file, rowLock, in: connection)
            let rows = try connection.query(
                """
                UPDATE file_copies SET provider_id = $1, expires_at = $2, updated_at = $3, worker = NULL, failures = 0,
                    state = CASE WHEN state IN ('pending', 'ready') THEN 'ready' ELSE state END
                WHERE file_id = $4 AND deployment_id = $5 RETURNING state
                """,
                [
                    .text(providerID), DatabaseValue(expiresAt?.secondsSince1970), now, file.stored,
                    .text(deployment.description),
                ]
            )
            guard let row = rows.first else {
                throw RegistryError(.notFound, "The copy is not noted, or no longer: its file was given up.")
            }
            try Self.touch(file, at: now, in: connection)
            return try row.text("state")
        }
        cachedFileRecords.remove([file])
        // The id has been written down all the same, so that the deletion that is under way finds it.
        guard state == CopyState.ready.rawValue else {
            throw RegistryError(.conflict, "The copy is being deleted.")
        }
    }

    /// Notes that the copy is not wanted, with its id or none if nobody knows it: a sweep removes what there is of it.
    ///
    /// A file that was thought to be gone is opened again for that.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` if there is no trace of the file, or `.storeUnavailable`.
    package func giveUp(
        _ file: FileID,
        at deployment: DeploymentID,
        providerID: String?
    ) async throws(RegistryError) {
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        work.end(file, at: deployment)
        try await change("giving up a copy") { [rowLock] connection in
            _ = try Self.isWanted(file, rowLock, at: now, in: connection)
            try connection.execute(
                """
                INSERT INTO file_copies (file_id, deployment_id, place, provider_id, state, begun_at, updated_at)
                VALUES ($1, $2, 0, $3, 'failed', $4, $5)
                ON CONFLICT (file_id, deployment_id) DO UPDATE SET state = 'failed', worker = NULL, updated_at = $5,
                    provider_id = CASE WHEN file_copies.provider_id IS NULL THEN $3 ELSE file_copies.provider_id END
                """,
                [file.stored, .text(deployment.description), DatabaseValue(providerID), now, now]
            )
            try Self.announce(file, in: connection)
        }
        cachedFileRecords.remove([file])
    }

    /// Notes that the copy with this id, or the one without an id, does not exist, or no longer; a repeat does nothing.
    ///
    /// A file in use that has no copy left has expired.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func forget(
        _ file: FileID,
        at deployment: DeploymentID,
        providerID: String?
    ) async throws(RegistryError) {
        let now = clock.now()
        work.end(file, at: deployment)
        try await change("forgetting a copy") { [rowLock] connection in
            try Self.lock(file, rowLock, in: connection)
            try Self.drop(file, at: deployment, providerID: providerID, now: now, in: connection)
        }
        cachedFileRecords.remove([file])
    }

    /// Removes the record of one copy, of a file whose row is locked.
    static func drop(
        _ file: FileID,
        at deployment: DeploymentID,
        providerID: String?,
        now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        let now = DatabaseValue.integer(now.secondsSince1970)
        let known = providerID.map { ("provider_id = $3", [DatabaseValue.text($0)]) } ?? ("provider_id IS NULL", [])
        try connection.execute(
            "DELETE FROM file_copies WHERE file_id = $1 AND deployment_id = $2 AND \(known.0)",
            [file.stored, .text(deployment.description)] + known.1
        )
        try touch(file, at: now, in: connection)
        try connection.execute(
            """
            UPDATE files SET status = 'expired', worker = NULL,
                expires_at = CASE WHEN expires_at < $1 THEN expires_at ELSE $1 END
            WHERE id = $2 AND status = 'ready'
                AND NOT EXISTS (SELECT 1 FROM file_copies AS c WHERE c.file_id = files.id)
            """,
            [now, file.stored]
        )
        try announce(file, in: connection)
    }

    static func touch(
        _ file: FileID,
        at now: DatabaseValue,
        in connection: any DatabaseConnection
    ) throws {
        try connection.execute(
            "UPDATE files SET updated_at = $1 WHERE id = $2 AND status IN ('uploading', 'ready', 'deleting')",
            [now, file.stored]
        )
    }
}
