import HostCore
import HostDatabase

extension Registry {
    /// Begins an upload in parts.
    ///
    /// - Returns: The upload, `pending`, without parts.
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if the owner has been deleted, or `.storeUnavailable`.
    package func beginUpload(_ new: NewUpload) async throws(RegistryError) -> UploadSession {
        let terms = new.terms
        try Self.check(names: [(terms.filename, "filename"), (terms.mimeType, "mime_type")], terms.targetNames)
        let now = clock.now()
        return try await change("beginning an upload") { [dialect] connection in
            try Self.check(new.owner, dialect.sharedRowLock, in: connection)
            try connection.execute(
                """
                INSERT INTO uploads (id, owner_kind, owner_id, team_id, purpose, filename, mime_type, size_in_bytes,
                    target_names, expires_after, status, created_at, expires_at, updated_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $12, $11)
                """,
                [
                    new.id.stored, new.owner.stored.kind, new.owner.stored.id,
                    DatabaseValue(new.teamID?.description), .text(terms.purpose.rawValue), .text(terms.filename),
                    .text(terms.mimeType), .integer(terms.sizeInBytes), .text(JSONText.encode(terms.targetNames)),
                    DatabaseValue(terms.expiresAfterSeconds), .integer(now.secondsSince1970),
                    .integer(now.advanced(bySeconds: UploadSession.lifetimeInSeconds).secondsSince1970),
                ]
            )
            let rows = try connection.query("SELECT * FROM uploads WHERE id = $1", [new.id.stored])
            guard let row = rows.first else { throw RegistryError.unreadable("upload") }
            return try UploadRows.session(row)
        }
    }

    /// Finds an upload on behalf of a principal, wherever it is in its life.
    ///
    /// - Throws: ``RuleError`` with `.uploadNotFound` or `.uploadAccessDenied`; ``RegistryError``.
    package func upload(_ requested: RequestedObject, for principal: Principal) async throws -> UploadSession {
        let found = try await inspect("looking up an upload") { [self] connection in
            try session(requested.id, lock: "", in: connection)?.upload
        }
        return try principal.check(found, requested)
    }

    /// Writes down a part that lies on this host's disk.
    ///
    /// What came twice, since the client never got the first answer, counts once: together the parts of different content
    /// have at most what the upload was begun with. A part that has been noted already is noted once.
    ///
    /// - Parameters:
    ///   - part: The part.
    ///   - requested: The upload.
    ///   - principal: Who sent it.
    /// - Returns: The earlier parts of the same content.
    /// - Throws: ``RuleError`` as for finding the upload, if it takes no parts any more, or if this one is too much;
    ///   ``RegistryError`` with `.storeUnavailable`.
    package func note(
        _ part: UploadPart,
        of requested: RequestedObject,
        for principal: Principal
    ) async throws -> [UploadPart] {
        let now = clock.now()
        return try await changeByRule("noting a part") { [self] connection in
            let (upload, row) = try lockedSession(requested, for: principal, in: connection)
            let id = upload.id.stored
            let equal = try connection.query(
                "SELECT * FROM upload_parts WHERE upload_id = $1 AND sha256 = $2 AND size_in_bytes = $3",
                [id, .text(part.sha256), .integer(part.sizeInBytes)]
            ).map(UploadRows.part)
            if equal.contains(where: { $0.id == part.id }) { return equal.filter { $0.id != part.id } }
            try upload.checkOpen(at: now)
            guard try row.integer("part_count") < UploadSession.maximumParts else { throw Self.tooManyParts }
            let received = try row.integer("received_bytes") + (equal.isEmpty ? part.sizeInBytes : 0)
            guard received <= upload.terms.sizeInBytes else { throw Self.tooMuch(upload.terms.sizeInBytes) }
            try connection.execute(
                """
                INSERT INTO upload_parts (id, upload_id, size_in_bytes, sha256, host, created_at)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                [
                    part.id.stored, id, .integer(part.sizeInBytes), .text(part.sha256), .text(part.host),
                    .integer(part.createdAt.secondsSince1970),
                ]
            )
            try connection.execute(
                "UPDATE uploads SET received_bytes = $1, part_count = part_count + 1, updated_at = $2 WHERE id = $3",
                [.integer(received), .integer(now.secondsSince1970), id]
            )
            return equal
        }
    }

    /// Cancels an upload; one that has been cancelled is as good.
    ///
    /// - Returns: The upload, `cancelled`.
    /// - Throws: ``RuleError`` as for finding the upload, or if it is over or being completed; ``RegistryError``.
    package func cancelUpload(
        _ requested: RequestedObject,
        for principal: Principal
    ) async throws -> UploadSession {
        let now = clock.now()
        return try await changeByRule("cancelling an upload") { [self] connection in
            let (upload, _) = try lockedSession(requested, for: principal, in: connection)
            if upload.status == .cancelled { return upload }
            try upload.checkOpen(at: now)
            try UploadRows.end(upload.id.uuid, as: .cancelled, at: now, in: connection)
            let (cancelled, _) = try lockedSession(requested, for: principal, in: connection)
            return cancelled
        }
    }

    private static let tooManyParts = RuleError(
        .tooLarge,
        "An upload has at most \(UploadSession.maximumParts) parts. Send larger ones.",
        parameter: "data"
    )

    private static func tooMuch(_ bytes: Int64) -> RuleError {
        RuleError(
            .invalidRequest,
            "With this part the upload would have more than the \(bytes) bytes that it was begun with.",
            parameter: "data"
        )
    }
}

extension Registry {
    /// Runs a writing transaction in which a rule may turn out to be broken before anything is written.
    func changeByRule<Value: Sendable>(
        _ purpose: String,
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        try await change(purpose) { connection -> Result<Value, RuleError> in
            do { return .success(try body(connection)) } catch let error as RuleError { return .failure(error) }
        }.get()
    }

    /// An upload that nobody else can change until the end of the transaction.
    ///
    /// - Throws: ``RuleError`` with `.uploadNotFound` or `.uploadAccessDenied`.
    func lockedSession(
        _ requested: RequestedObject,
        for principal: Principal,
        in connection: any DatabaseConnection
    ) throws -> (UploadSession, DatabaseRow) {
        let found = try session(requested.id, lock: rowLock, in: connection)
        let upload = try principal.check(found?.upload, requested)
        guard let row = found?.row else { throw RuleError.notFound(.upload, requested.clientID) }
        return (upload, row)
    }

    /// An upload; one whose completion was begun and left is pending again.
    private func session(
        _ id: ObjectID,
        lock: String,
        in connection: any DatabaseConnection
    ) throws -> (upload: UploadSession, row: DatabaseRow)? {
        let stored = id.stored
        guard let row = try connection.query("SELECT * FROM uploads WHERE id = $1 \(lock)", [stored]).first else {
            return nil
        }
        guard try row.text("status") == UploadStatus.completing.rawValue else {
            return (try UploadRows.session(row), row)
        }
        var sql = SQLText()
        let statement = "SELECT 1 AS one FROM uploads WHERE id = \(sql.bind(stored)) AND \(isFree("uploads", &sql))"
        let isFree = try !connection.query(statement, sql.arguments).isEmpty
        let isLeft = try isFree && !work.files.contains(row.fileID("file_id"))
        return (try UploadRows.session(row, isLeft: isLeft), row)
    }
}
