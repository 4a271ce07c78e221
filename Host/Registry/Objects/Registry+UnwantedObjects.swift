import HostCore
import HostDatabase

extension Registry {
    /// Takes objects of a kind whose making was left by a dead worker, or that are not wanted any more; from now on they
    /// are `gone`.
    ///
    /// Each has to be dropped or given back with ``postponeObject(_:atLeast:isMissing:)``.
    ///
    /// - Parameters:
    ///   - kind: Batches, jobs or responses.
    ///   - limit: How many at most.
    /// - Returns: The objects; of one that was being made, `updatedAt` says until when its provider can have been asked.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func claimObjects(
        _ kind: ManagedObjectKind,
        limit: Int
    ) async throws(RegistryError) -> [ManagedObject] {
        let now = clock.now()
        let claimed = try await change("claiming unfinished objects") { [self] connection in
            try freeSettling(kind, at: now, in: connection)
            return try unwantedObjects(kind, limit, at: now, in: connection).compactMap { id -> ManagedObject? in
                let lastAsked = try lastSign(of: "objects", "id = $1", [id.stored], at: now, in: connection)
                return try connection.query(
                    """
                    UPDATE objects SET worker = $1, stage = 'gone',
                        updated_at = CASE WHEN stage = 'creating' THEN $2 ELSE updated_at END
                    WHERE id = $3 RETURNING *
                    """,
                    [.text(worker.text), .integer(lastAsked.secondsSince1970), id.stored]
                ).first.map(ObjectRows.object)
            }
        }
        for object in claimed { work.begin(object.id) }
        return claimed
    }

    /// Has objects looked at now that a dead worker was settling.
    private func freeSettling(
        _ kind: ManagedObjectKind,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        var sql = SQLText()
        let moment = sql.bind(.integer(now.secondsSince1970))
        let statement = """
            UPDATE objects SET due_at = \(moment) WHERE kind = \(sql.bind(.text(kind.rawValue))) AND stage = 'settling'
                AND due_at > \(moment) AND worker <> \(sql.bind(.text(worker.text))) AND \(isFree("objects", &sql))
            """
        try connection.execute(statement, sql.arguments)
    }

    private func unwantedObjects(
        _ kind: ManagedObjectKind,
        _ limit: Int,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws -> [ObjectID] {
        var sql = SQLText()
        let statement = """
            SELECT id FROM objects WHERE kind = \(sql.bind(.text(kind.rawValue))) AND stage IN ('creating', 'gone')
                AND (due_at IS NULL OR \(isDueAgain(at: now, &sql))) AND \(isFree("objects", &sql))
            ORDER BY updated_at ASC LIMIT \(sql.bind(.integer(Int64(limit + work.objects.count)))) \(dialect.freeRowLock)
            """
        let found = try connection.query(statement, sql.arguments).map { row in
            ObjectID(kind, uuid: try row.fileID("id").uuid)
        }
        // What this process has begun since the query does not stand in it.
        let busy = work.objects
        return Array(found.filter { !busy.contains($0) }.prefix(limit))
    }

    /// Gives an object up whose making failed, or that its owner does not want any more: a sweep undoes what there is of
    /// it.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func abandonObject(_ id: ObjectID) async throws(RegistryError) {
        let now = clock.now()
        defer { work.end(id) }
        try await change("giving up an object") { connection in
            _ = try connection.execute(
                """
                UPDATE objects SET stage = 'gone', worker = NULL, due_at = $1, updated_at = $1, failures = 0 WHERE id = $2
                """,
                [.integer(now.secondsSince1970), id.stored]
            )
        }
    }

    /// Removes the record of an object that no longer exists at its provider, and has its hidden files deleted.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func dropObject(_ id: ObjectID) async throws(RegistryError) {
        let now = clock.now()
        defer { work.end(id) }
        try await change("dropping an object") { [rowLock] connection in
            guard let object = try ObjectRows.object(id, rowLock, in: connection) else { return }
            try Self.discardHiddenFiles(of: object, at: now, in: connection)
            try connection.execute("DELETE FROM objects WHERE id = $1", [id.stored])
        }
    }

    /// Which of these ids of a provider no object of a kind has.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func unrecorded(
        _ kind: ManagedObjectKind,
        among providerIDs: [String]
    ) async throws(RegistryError) -> [String] {
        try await inspect("judging objects of a provider") { connection in
            var sql = SQLText()
            let statement = """
                SELECT provider_id FROM objects WHERE provider_id IN (\(sql.bind(list: providerIDs.map { .text($0) })))
                    AND kind = \(sql.bind(.text(kind.rawValue)))
                """
            let known = try connection.query(statement, sql.arguments).map { try $0.text("provider_id") }
            return providerIDs.filter { !known.contains($0) }
        }
    }

    /// The provider's id of a hidden file, once that is complete; nil if there is no such file.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func hiddenCopy(_ id: FileID?) async throws(RegistryError) -> String? {
        guard let id else { return nil }
        let file = try await inspect("looking up a hidden file") { try FileRows.file(id, in: $0) }
        guard let file, file.status == .internal else { return nil }
        return file.copies.first?.providerID
    }
}
