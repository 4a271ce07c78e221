import HostCore
import HostDatabase

extension Registry {
    private static let maximumNameBytes = 4096

    /// Writes down that a file is going to be made at these deployments; to be called before any provider is asked.
    ///
    /// There must be a target; one that is named twice counts once. The file is this worker's until it is committed,
    /// abandoned or postponed.
    ///
    /// - Parameters:
    ///   - new: The file.
    ///   - targets: Where its copies go.
    ///   - key: Nothing is begun if the file's owner has made, or is making, one with the same idempotency key.
    /// - Returns: The file, `uploading`, with a pending copy for each target; or the one that the key was used for.
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if another file was made with the key or the owner has been
    ///   deleted, or `.storeUnavailable`.
    package func beginFile(
        _ new: NewFile,
        targets: [DeploymentID],
        unlessMadeWith key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> FileBeginning {
        try Self.check(new, targets)
        let moment = clock.now()
        let now = DatabaseValue.integer(moment.secondsSince1970)
        let created = DatabaseValue.integer(creationTimes.next(clock.microseconds()))
        work.begin(new.id)
        do {
            let beginning = try await change("beginning a file") { [rowLock, dialect, worker] connection in
                if let key, let earlier = try Self.earlierFile(new, key, at: moment, rowLock, in: connection) {
                    return earlier
                }
                try Self.check(new.owner, dialect.sharedRowLock, in: connection)
                try Self.insert(new, at: created, now: now, worker: worker, into: connection)
                try Self.insertCopies(of: new.id, at: targets, now: now, into: connection)
                return FileBeginning.begun(try Self.existing(new.id, in: connection))
            }
            if case .begun = beginning {} else { work.end(new.id) }
            return beginning
        } catch {
            work.end(new.id)
            throw error
        }
    }

    /// Makes a file usable, now that its copies exist; does nothing to one that is.
    ///
    /// Copies that were given up do not keep it from being used: a sweep removes what is left of them.
    ///
    /// - Parameters:
    ///   - id: The file.
    ///   - sha256: Its hash, of a file that was begun before that was known; of others it is as it was.
    ///   - upload: The upload in parts that it was made of, which is completed by this.
    ///   - status: `internal` for a file that belongs to an object, and that no client sees.
    /// - Returns: The file, with that status.
    /// - Throws: ``RegistryError`` with `.notFound`; `.conflict` if a copy is still pending, the hash is not known, the
    ///   file is being deleted or the upload is not made into it any more; `.storeUnavailable`.
    package func commitFile(
        _ id: FileID,
        sha256: String? = nil,
        completing upload: ObjectID? = nil,
        as status: FileStatus = .ready
    ) async throws(RegistryError) -> ManagedFile {
        let moment = clock.now()
        let now = DatabaseValue.integer(moment.secondsSince1970)
        defer { work.end(id) }
        let committed = try await change("committing a file") { [rowLock] connection in
            let file = try Self.existing(id, rowLock, in: connection)
            if file.status == status { return file }
            try Self.checkComplete(file)
            let hash = file.sha256 ?? sha256
            // What the gateway has made of a file is made again if it is needed again, and never compared.
            guard hash != nil || status == .internal else {
                throw RegistryError(.conflict, "The file cannot be committed: its content is not known.")
            }
            try connection.execute(
                """
                UPDATE files SET status = $1, sha256 = $2, worker = NULL, failures = 0, updated_at = $3
                WHERE id = $4
                """,
                [.text(status.rawValue), DatabaseValue(hash), now, id.stored]
            )
            if let upload { try Self.complete(upload, with: id, at: moment, in: connection) }
            return try Self.existing(id, in: connection)
        }
        // What is completed is nobody's work any more; what is not is given back.
        if upload != nil { work.end(id) }
        cachedFileRecords.remove([id])
        return committed
    }

    /// Gives up a file that could not be made, after its copies have been undone as far as possible.
    ///
    /// Copies that may still exist at a provider keep the record, as `deleting`, until a sweep has removed them.
    ///
    /// - Returns: Whether the record is gone.
    /// - Throws: ``RegistryError`` with `.conflict` if the file has been committed; `.storeUnavailable`.
    @discardableResult
    package func abandonFile(_ id: FileID) async throws(RegistryError) -> Bool {
        let now = clock.now()
        defer { work.end(id) }
        let isGone = try await change("abandoning a file") { [rowLock] connection in
            guard let file = try Self.lockedFile(id, rowLock, in: connection) else { return true }
            guard file.status != .ready, file.status != .internal else {
                throw RegistryError(.conflict, "The file has been committed: delete it instead.")
            }
            try connection.execute("DELETE FROM upload_keys WHERE file_id = $1", [id.stored])
            if file.copies.isEmpty {
                try connection.execute("DELETE FROM files WHERE id = $1", [id.stored])
                return true
            }
            try Self.markDeleting(id, at: now, worker: nil, in: connection)
            return false
        }
        cachedFileRecords.remove([id])
        return isGone
    }

    private static func checkComplete(_ file: ManagedFile) throws(RegistryError) {
        guard file.status == .uploading else { throw RegistryError(.conflict, "The file is being deleted.") }
        guard file.copies.contains(where: { $0.state == .ready }),
            file.copies.allSatisfy({ $0.state == .failed || ($0.state == .ready && $0.providerID != nil) })
        else { throw RegistryError(.conflict, "The file cannot be committed: not every copy is ready.") }
    }

    private static func check(_ new: NewFile, _ targets: [DeploymentID]) throws(RegistryError) {
        guard !targets.isEmpty else {
            throw RegistryError(.invalid, "A file needs at least one target.", parameter: "target_model_names")
        }
        try check(names: [(new.filename, "file"), (new.mimeType, "file")], new.targetNames)
    }

    /// Checks that names can be stored.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, the parameter being the name's.
    static func check(
        names: [(text: String, parameter: String)],
        _ targetNames: [String]
    ) throws(RegistryError) {
        for (text, parameter) in names + targetNames.map({ ($0, "target_model_names") })
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
        worker: WorkerID,
        into connection: any DatabaseConnection
    ) throws {
        try connection.execute(
            """
            INSERT INTO files (id, owner_kind, owner_id, team_id, purpose, filename, mime_type, size_in_bytes, sha256,
                target_names, status, created_us, expires_at, updated_at, worker)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'uploading', $11, $12, $13, $14)
            """,
            [
                new.id.stored, new.owner.stored.kind, new.owner.stored.id, DatabaseValue(new.teamID?.description),
                .text(new.purpose.rawValue), .text(new.filename), .text(new.mimeType),
                .integer(new.content.sizeInBytes), DatabaseValue(new.content.sha256),
                .text(JSONText.encode(new.targetNames)), created, DatabaseValue(new.expiresAt?.secondsSince1970),
                now, .text(worker.text),
            ]
        )
    }

    static func insertCopies(
        of file: FileID,
        at targets: [DeploymentID],
        now: DatabaseValue,
        into connection: any DatabaseConnection
    ) throws {
        var seen: Set<DeploymentID> = []
        for (place, target) in targets.filter({ seen.insert($0).inserted }).enumerated() {
            try connection.execute(
                """
                INSERT INTO file_copies (file_id, deployment_id, place, state, begun_at, updated_at)
                VALUES ($1, $2, $3, 'pending', $4, $5)
                """,
                [file.stored, .text(target.description), .integer(Int64(place)), now, now]
            )
            try connection.execute(
                """
                INSERT INTO file_targets (file_id, deployment_id, created_us, owner_kind, owner_id, team_id)
                SELECT id, $1, created_us, owner_kind, owner_id, team_id FROM files WHERE id = $2
                """,
                [.text(target.description), file.stored]
            )
        }
    }
}
