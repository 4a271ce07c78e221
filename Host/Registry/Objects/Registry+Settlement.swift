import HostCore
import HostDatabase

extension Registry {
    /// Ends an object, exactly once over all hosts: what it shows, its result files and models as the owner's, its hidden
    /// files marked for deletion, and the message about it, all in one transaction.
    ///
    /// Reserved ids of files that its provider did not make are given up.
    ///
    /// - Returns: Whether it was this call that ended it.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func settleObject(_ id: ObjectID, _ settlement: ObjectSettlement) async throws(RegistryError) -> Bool {
        let now = clock.now()
        let created = settlement.files.map { _ in creationTimes.next(clock.microseconds()) }
        // Also if nobody learns how it ended: it may have.
        defer { forgetModels(settlement.models) }
        return try await change("ending an object") { [rowLock] connection in
            guard let object = try ObjectRows.object(id, rowLock, in: connection),
                object.stage == .open || object.stage == .settling
            else { return false }
            try Self.write(settlement, to: object, at: now, in: connection)
            for (file, created) in zip(settlement.files, created) {
                try Self.insert(file, of: object, created: created, now: now, into: connection)
            }
            try Self.insertModels(settlement, of: object, into: connection)
            try Self.discardHiddenFiles(of: object, at: now, in: connection)
            if let event = settlement.event { try WebhookRows.enqueue(event, at: now, in: connection) }
            return true
        }
    }

    private static func write(
        _ settlement: ObjectSettlement,
        to object: ManagedObject,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        let made = { (reserved: FileID?) in settlement.files.contains { $0.id == reserved } ? reserved : nil }
        try connection.execute(
            """
            UPDATE objects SET stage = 'settled', status = $1, document = $2, usage = $3, output_id = $4, error_id = $5,
                worker = NULL, due_at = NULL, missing_since = NULL, failures = 0, updated_at = $6
            WHERE id = $7
            """,
            [
                .text(settlement.report.status), .text(settlement.report.document), DatabaseValue(settlement.usage),
                made(object.origin.outputID).stored, made(object.origin.errorID).stored,
                .integer(now.secondsSince1970), object.id.stored,
            ]
        )
    }

    /// The owner's from the first moment: no other transaction sees the file without its owner, or its end without the file.
    private static func insert(
        _ file: ObjectSettlement.ResultFile,
        of object: ManagedObject,
        created: Int64,
        now: UnixTime,
        into connection: any DatabaseConnection
    ) throws {
        let time = DatabaseValue.integer(now.secondsSince1970)
        try connection.execute(
            """
            INSERT INTO files (id, owner_kind, owner_id, team_id, purpose, filename, mime_type, size_in_bytes,
                target_names, status, created_us, expires_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'ready', $10, $11, $12)
            """,
            [
                file.id.stored, object.owner.stored.kind, object.owner.stored.id,
                DatabaseValue(object.teamID?.description), .text(file.purpose.rawValue), .text(file.filename),
                .text(file.mimeType), .integer(file.sizeInBytes),
                .text(JSONText.encode([object.origin.modelName])), .integer(created),
                DatabaseValue(file.expiresAt?.secondsSince1970), time,
            ]
        )
        try insertCopies(of: file.id, at: [object.deployment], now: time, into: connection)
        try connection.execute(
            "UPDATE file_copies SET provider_id = $1, state = 'ready' WHERE file_id = $2",
            [.text(file.providerID), file.id.stored]
        )
    }

    /// Has a sweep delete the hidden files of an object.
    static func discardHiddenFiles(
        of object: ManagedObject,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        for file in [object.origin.derivedID, object.origin.derivedValidationID].compactMap({ $0 }) {
            // One that is still being made is its maker's to undo.
            let rows = try connection.query(
                "SELECT status FROM files WHERE id = $1 AND status = 'internal'",
                [file.stored]
            )
            guard !rows.isEmpty else { continue }
            try markDeleting(file, at: now, worker: nil, in: connection)
        }
    }
}
