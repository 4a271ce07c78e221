import HostCore
import HostDatabase

extension Registry {
    private static let secondsToKeepPlaces: Int64 = 86_400
    private static let placesDroppedAtOnce: Int64 = 100

    /// Begins to delete a file on behalf of a principal: from now on nobody can use it.
    ///
    /// A deletion that got stuck is begun again the same way.
    ///
    /// - Returns: The file with the copies that are still to be deleted at their providers.
    /// - Throws: ``RuleError`` with `.fileNotFound` or `.fileAccessDenied`; ``RegistryError`` with `.storeUnavailable`.
    package func beginDelete(
        _ id: FileID,
        for principal: Principal,
        clientID: String
    ) async throws -> ManagedFile {
        let now = clock.now()
        let begun = try await change("deleting a file") { connection -> Result<ManagedFile, RuleError> in
            do {
                let found = try FileRows.file(id, in: connection)
                _ = try Self.check(found, .delete, for: principal, clientID: clientID, now: now)
            } catch let error as RuleError {
                return .failure(error)
            }
            try Self.markDeleting(id, at: .integer(now.secondsSince1970), in: connection)
            return .success(try Self.existing(id, in: connection))
        }
        cachedFileRecords.remove([id])
        return try begun.get()
    }

    /// Removes the record of a file whose copies are all gone.
    ///
    /// - Returns: Whether the record is gone; false while a copy is left.
    /// - Throws: ``RegistryError`` with `.conflict` if no deletion was begun; `.storeUnavailable`.
    @discardableResult
    package func finishDelete(_ id: FileID) async throws(RegistryError) -> Bool {
        let now = clock.now()
        let isGone = try await change("finishing a deletion") { connection in
            guard let file = try FileRows.file(id, in: connection) else { return true }
            guard file.status == .deleting else {
                throw RegistryError(.conflict, "The file is not being deleted: begin with that.")
            }
            guard file.copies.isEmpty else { return false }
            try Self.remove(id, at: now, in: connection)
            return true
        }
        cachedFileRecords.remove([id])
        return isGone
    }

    /// Empties a record down to its place in the lists, and drops places that are a day old.
    private static func remove(_ id: FileID, at now: UnixTime, in connection: any DatabaseConnection) throws {
        try connection.execute(
            """
            UPDATE files SET status = 'deleted', filename = '', mime_type = '', size_in_bytes = NULL, sha256 = NULL,
                target_names = '[]', updated_at = $1
            WHERE id = $2
            """,
            [.integer(now.secondsSince1970), id.stored]
        )
        let oldest = now.advanced(bySeconds: -secondsToKeepPlaces)
        try connection.execute(
            """
            DELETE FROM files WHERE id IN (
                SELECT id FROM files WHERE status = 'deleted' AND updated_at < $1 ORDER BY updated_at ASC LIMIT $2
            )
            """,
            [.integer(oldest.secondsSince1970), .integer(placesDroppedAtOnce)]
        )
    }
}
