import HostCore
import HostDatabase

extension Registry {
    /// Begins to delete a file on behalf of a principal: from now on nobody can use it.
    ///
    /// A deletion that got stuck is begun again the same way. The file is this worker's until the deletion is finished or
    /// postponed.
    ///
    /// - Parameters:
    ///   - id: The file.
    ///   - principal: Who asks.
    ///   - clientID: The id as the client wrote it, for messages.
    ///   - isLeftToSweep: Whether nobody waits for the copies: the next sweep deletes them.
    /// - Returns: The file with the copies that are still to be deleted at their providers.
    /// - Throws: ``RuleError`` with `.fileNotFound` or `.fileAccessDenied`; ``RegistryError`` with `.storeUnavailable`.
    package func beginDelete(
        _ id: FileID,
        for principal: Principal,
        clientID: String,
        isLeftToSweep: Bool = false
    ) async throws -> ManagedFile {
        let now = clock.now()
        if !isLeftToSweep { work.begin(id) }
        defer { cachedFileRecords.remove([id]) }
        do {
            let begun = try await change("deleting a file") {
                [rowLock, worker] connection -> Result<ManagedFile, RuleError> in
                do {
                    let found = try Self.lockedFile(id, rowLock, in: connection)
                    _ = try Self.check(found, .delete, for: principal, clientID: clientID, now: now)
                } catch let error as RuleError {
                    return .failure(error)
                }
                try Self.markDeleting(id, at: now, worker: isLeftToSweep ? nil : worker, in: connection)
                return .success(try Self.existing(id, in: connection))
            }
            return try begun.get()
        } catch {
            if !isLeftToSweep { work.end(id) }
            throw error
        }
    }

    /// Removes the record of a file whose copies are all gone; one that has a copy left is postponed.
    ///
    /// - Returns: Whether the record is gone.
    /// - Throws: ``RegistryError`` with `.conflict` if no deletion was begun; `.storeUnavailable`.
    @discardableResult
    package func finish(_ id: FileID) async throws(RegistryError) -> Bool {
        let now = clock.now()
        defer { work.end(id) }
        let isGone = try await change("finishing a deletion") { [self] connection in
            guard let file = try Self.lockedFile(id, rowLock, in: connection) else { return true }
            if file.status == .expired { return true }
            guard file.status == .deleting else {
                throw RegistryError(.conflict, "The file is not being deleted: begin with that.")
            }
            guard file.copies.isEmpty else {
                try setBack(id, at: now, in: connection)
                return false
            }
            try Self.empty(file, at: now, in: connection)
            return true
        }
        cachedFileRecords.remove([id])
        return isGone
    }

    /// Marks a file and all its copies.
    ///
    /// - Parameters:
    ///   - id: The file.
    ///   - now: The present moment.
    ///   - makerWasAlive: When whoever makes its copies can last have asked a provider for one; nil for now.
    ///   - worker: Who deletes it; nil for nobody.
    ///   - connection: The transaction.
    /// - Throws: ``DatabaseError``.
    static func markDeleting(
        _ id: FileID,
        at now: UnixTime,
        makerWasAlive: UnixTime? = nil,
        worker: WorkerID?,
        in connection: any DatabaseConnection
    ) throws {
        let lastAsked = DatabaseValue.integer((makerWasAlive ?? now).secondsSince1970)
        let now = DatabaseValue.integer(now.secondsSince1970)
        try connection.execute(
            "UPDATE files SET status = 'deleting', retry_at = 0, worker = $1, updated_at = $2 WHERE id = $3",
            [DatabaseValue(worker?.text), now, id.stored]
        )
        try connection.execute(
            """
            UPDATE file_copies SET state = \(FileRows.stateOfUnwanted),
                updated_at = CASE WHEN state = 'pending' THEN $1 ELSE updated_at END
            WHERE file_id = $2
            """,
            [lastAsked, id.stored]
        )
        try announce(id, in: connection)
    }

    /// Empties a record down to its place in the lists.
    private static func empty(
        _ file: ManagedFile,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        let status = file.hasExpired(by: now) ? FileStatus.expired.rawValue : FileRows.deletedStatus
        try connection.execute(
            """
            UPDATE files SET status = $1, filename = '', mime_type = '', size_in_bytes = NULL, sha256 = NULL,
                target_names = '[]', worker = NULL, updated_at = $2
            WHERE id = $3
            """,
            [
                .text(status), .integer(now.secondsSince1970), file.id.stored,
            ]
        )
    }
}
