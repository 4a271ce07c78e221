import HostCore
import HostDatabase

extension Registry: UnfinishedWork {
    private static let secondsToKeepPlaces: Int64 = 86_400
    private static let secondsToKeepExpired: Int64 = 30 * 86_400
    static let recordsDroppedAtOnce: Int64 = 1000
    static let lastRetryInSeconds: Int64 = 3600

    /// Takes files whose upload or deletion was left, or whose time has passed; from now on they are being deleted.
    ///
    /// - Returns: At most `limit` files, those first of which nothing was heard for longest.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func claimFiles(limit: Int) async throws(RegistryError) -> [ManagedFile] {
        let now = clock.now()
        let claimed = try await change("claiming unfinished files") { [self] connection in
            // Each kind has its share, so that many of one do not keep the other waiting.
            let left = try leftFiles(limit, at: now, in: connection)
            let expired = try expiredFiles(max(limit / 2, limit - left.count), at: now, in: connection)
            return try (left.prefix(limit - min(expired.count, limit / 2)) + expired).map { id in
                let makerWasAlive = try lastSign(of: "files", "id = $1", [id.stored], at: now, in: connection)
                try Self.markDeleting(id, at: now, makerWasAlive: makerWasAlive, worker: worker, in: connection)
                return try Self.existing(id, in: connection)
            }
        }
        for file in claimed { work.begin(file.id) }
        cachedFileRecords.remove(claimed.map(\.id))
        return claimed
    }

    /// Takes copies of files in use that were left half made or half deleted, or whose time has passed.
    ///
    /// - Returns: At most `limit` copies.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func claimCopies(limit: Int) async throws(RegistryError) -> [UnfinishedCopy] {
        let now = clock.now()
        let claimed = try await change("claiming unfinished copies") { [self] connection in
            try leftCopies(limit, at: now, in: connection).compactMap { place -> UnfinishedCopy? in
                let (id, deployment) = (place.file, place.deployment)
                let key: [DatabaseValue] = [id.stored, .text(deployment.description)]
                let condition = "file_id = $1 AND deployment_id = $2"
                let lastAsked = try lastSign(of: "file_copies", condition, key, at: now, in: connection)
                try connection.execute(
                    """
                    UPDATE file_copies SET worker = $1,
                        state = CASE WHEN state = 'ready' THEN 'expired' WHEN state = 'pending' THEN 'failed' ELSE state END,
                        updated_at = CASE WHEN state = 'pending' THEN $2 ELSE updated_at END
                    WHERE file_id = $3 AND deployment_id = $4
                    """,
                    [.text(worker.text), .integer(lastAsked.secondsSince1970)] + key
                )
                try Self.announce(id, in: connection)
                let file = try Self.existing(id, in: connection)
                return file.copies.first { $0.deployment == deployment }.map { UnfinishedCopy(file: file, copy: $0) }
            }
        }
        for copy in claimed { work.begin(copy.file.id, at: copy.copy.deployment) }
        cachedFileRecords.remove(claimed.map(\.file.id))
        return claimed
    }

    /// Gives a file back, to be claimed again after a while that grows with every failure.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func postpone(_ file: FileID) async throws(RegistryError) {
        let now = clock.now()
        work.end(file)
        try await change("postponing a file") { [self] connection in
            try Self.lock(file, rowLock, in: connection)
            try setBack(file, at: now, in: connection)
        }
    }

    /// Gives a copy back, to be claimed again after a while that grows with every failure.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func postpone(_ unfinished: UnfinishedCopy) async throws(RegistryError) {
        let now = clock.now()
        let (file, deployment) = (unfinished.file.id, unfinished.copy.deployment)
        work.end(file, at: deployment)
        try await change("postponing a copy") { [self] connection in
            try Self.lock(file, rowLock, in: connection)
            let place: [DatabaseValue] = [file.stored, .text(deployment.description)]
            let rows = try connection.query(
                "SELECT failures FROM file_copies WHERE file_id = $1 AND deployment_id = $2",
                place
            )
            guard let failures = try rows.first?.integer("failures") else { return }
            try connection.execute(
                """
                UPDATE file_copies SET worker = NULL, failures = $1, retry_at = $2
                WHERE file_id = $3 AND deployment_id = $4
                """,
                [.integer(failures + 1), retryTime(after: failures, at: now)] + place
            )
        }
    }

    /// Whose the objects are that a provider has and that could be a file's.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func judge(
        _ providerIDs: [String],
        like file: ManagedFile,
        at deployments: [DeploymentID]
    ) async throws(RegistryError) -> SuspectJudgement {
        try await inspect("judging objects of a provider") { connection in
            var sql = SQLText()
            let list = sql.bind(list: providerIDs.map { .text($0) })
            let recorded = try connection.query(
                "SELECT provider_id FROM file_copies WHERE provider_id IN (\(list))",
                sql.arguments
            )
            let known = Set(try recorded.map { try $0.text("provider_id") })
            var unknown = SQLText()
            let statement = """
                SELECT c.state AS state, COUNT(*) AS count FROM file_copies AS c JOIN files AS f ON f.id = c.file_id
                WHERE c.state <> 'ready' AND c.provider_id IS NULL
                    AND f.filename = \(unknown.bind(.text(file.filename)))
                    AND f.size_in_bytes = \(unknown.bind(.integer(file.sizeInBytes)))
                    AND c.deployment_id IN (\(unknown.bind(list: deployments.map { .text($0.description) })))
                GROUP BY c.state
                """
            let rows = try connection.query(statement, unknown.arguments)
            let counts = try rows.map { (try $0.text("state"), Int(try $0.integer("count"))) }
            let running = counts.filter { $0.0 == CopyState.pending.rawValue }.map(\.1).reduce(0, +)
            return SuspectJudgement(
                unrecorded: providerIDs.filter { !known.contains($0) },
                running: running,
                cutOff: counts.map(\.1).reduce(0, +) - running
            )
        }
    }

    /// Drops what is kept for a time only: the places of deleted files, idempotency keys, webhooks, workers long dead.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func dropOldRecords() async throws(RegistryError) {
        let now = clock.now()
        try await change("dropping old records") { [dialect] connection in
            for (status, age) in [
                (FileRows.deletedStatus, Self.secondsToKeepPlaces),
                (FileStatus.expired.rawValue, Self.secondsToKeepExpired),
            ] {
                try connection.execute(
                    """
                    DELETE FROM files WHERE id IN (
                        SELECT id FROM files WHERE status IN ('deleted', 'expired') AND status = $1 AND updated_at < $2
                            AND NOT EXISTS (SELECT 1 FROM file_copies AS c WHERE c.file_id = files.id)
                        ORDER BY updated_at ASC LIMIT $3
                    )
                    """,
                    [
                        .text(status), .integer(now.advanced(bySeconds: -age).secondsSince1970),
                        .integer(Self.recordsDroppedAtOnce),
                    ]
                )
            }
            try connection.execute(
                """
                DELETE FROM objects WHERE id IN (
                    SELECT id FROM objects WHERE expires_at IS NOT NULL AND expires_at <= $1 AND stage = 'settled'
                    ORDER BY expires_at ASC LIMIT $2
                )
                """,
                [.integer(now.secondsSince1970), .integer(Self.recordsDroppedAtOnce)]
            )
            try connection.execute(
                "DELETE FROM upload_keys WHERE created_at < $1",
                [.integer(now.advanced(bySeconds: -Self.secondsToKeepIdempotencyKeys).secondsSince1970)]
            )
            try connection.execute(
                "DELETE FROM webhook_deliveries WHERE created_at < $1",
                [.integer(now.advanced(bySeconds: -Self.secondsToKeepWebhooks).secondsSince1970)]
            )
            try connection.execute(
                "DELETE FROM workers WHERE heard_at < \(dialect.currentSeconds) - \(Self.secondsToKeepExpired)"
            )
        }
    }

    /// Gives a file back inside of a transaction.
    func setBack(_ file: FileID, at now: UnixTime, in connection: any DatabaseConnection) throws {
        let rows = try connection.query("SELECT failures FROM files WHERE id = $1", [file.stored])
        guard let failures = try rows.first?.integer("failures") else { return }
        try connection.execute(
            """
            UPDATE files SET worker = NULL, failures = $1, retry_at = $2 WHERE id = $3 AND status = 'deleting'
            """,
            [.integer(failures + 1), retryTime(after: failures, at: now), file.stored]
        )
    }

    /// When something that has failed so often is tried again.
    ///
    /// - Parameters:
    ///   - failures: How often it has failed before.
    ///   - now: The present moment.
    ///   - pause: At least so long after it.
    /// - Returns: Unix seconds.
    func retryTime(after failures: Int64, at now: UnixTime, atLeast pause: Duration = .zero) -> DatabaseValue {
        let seconds = max(pause.components.seconds, firstRetryInSeconds << min(failures, 10))
        return .integer(now.advanced(bySeconds: min(Self.lastRetryInSeconds, seconds)).secondsSince1970)
    }

    // MARK: What can be claimed

    /// Nobody's, a dead worker's, or this worker's own which it does not know to be at work on: it could not write
    /// that down when it ended.
    ///
    /// A worker is dead that has said so or whose lease is over, unless this one's was broken lately as well.
    func isFree(_ table: String, _ sql: inout SQLText) -> String {
        let canTell = leaseRecord.isUnbroken(for: Self.lease, at: monotonicClock.now())
        let latest = canTell ? dialect.currentSeconds : "0"
        return """
            (\(table).worker IS NULL OR \(table).worker = \(sql.bind(.text(worker.text)))
                OR \(table).worker NOT IN (SELECT id FROM workers WHERE alive_until > \(latest)))
            """
    }

    /// Whether a row may be tried again; a time that no pause can have led to was written with a wrong clock.
    func isDue(_ table: String, at now: UnixTime, _ sql: inout SQLText) -> String {
        let moment = sql.bind(.integer(now.secondsSince1970))
        let latest = sql.bind(.integer(now.advanced(bySeconds: Self.lastRetryInSeconds).secondsSince1970))
        return "(\(table).retry_at <= \(moment) OR \(table).retry_at > \(latest))"
    }

    /// Until when the worker of a row can have asked a provider for something.
    func lastSign(
        of table: String,
        _ condition: String,
        _ arguments: [DatabaseValue],
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws -> UnixTime {
        let rows = try connection.query(
            """
            SELECT heard_at FROM workers
            WHERE id = (SELECT worker FROM \(table) WHERE \(condition)) AND id <> '\(worker.text)'
            """,
            arguments
        )
        guard let heardAt = try rows.first?.integer("heard_at") else { return now }
        // It may have lived until it would have said so again.
        let latest = UnixTime(secondsSince1970: heardAt).advanced(bySeconds: 2 * Self.heartbeat.components.seconds)
        return min(now, latest)
    }

    private func leftFiles(
        _ limit: Int,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws -> [FileID] {
        var sql = SQLText()
        let statement = """
            SELECT id FROM files WHERE status IN ('uploading', 'deleting')
                AND \(isDue("files", at: now, &sql)) AND \(isFree("files", &sql))
            ORDER BY updated_at ASC LIMIT \(sql.bind(.integer(Int64(limit + work.files.count)))) \(dialect.freeRowLock)
            """
        let found = try connection.query(statement, sql.arguments).map { try $0.fileID("id") }
        // What this process has begun since the query does not stand in it.
        let busy = work.files
        return Array(found.filter { !busy.contains($0) }.prefix(limit))
    }

    private func expiredFiles(
        _ limit: Int,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws -> [FileID] {
        try connection.query(
            """
            SELECT id FROM files WHERE status = 'ready' AND expires_at IS NOT NULL AND expires_at <= $1
            ORDER BY expires_at ASC LIMIT $2 \(dialect.freeRowLock)
            """,
            [.integer(now.secondsSince1970), .integer(Int64(limit))]
        ).map { try $0.fileID("id") }
    }

    private func leftCopies(
        _ limit: Int,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws -> [CopyPlace] {
        let unfinished = try copies(limit, at: now, in: connection) { _ in "c.state <> 'ready'" }
        let expired = try copies(limit, at: now, in: connection) { sql in
            let moment = sql.bind(.integer(now.secondsSince1970))
            return "c.state = 'ready' AND c.expires_at IS NOT NULL AND c.expires_at <= \(moment)"
        }
        return Array((unfinished + expired).prefix(limit))
    }

    private func copies(
        _ limit: Int,
        at now: UnixTime,
        in connection: any DatabaseConnection,
        where condition: (inout SQLText) -> String
    ) throws -> [CopyPlace] {
        var sql = SQLText()
        let statement = """
            SELECT c.file_id AS file_id, c.deployment_id AS deployment_id
            FROM file_copies AS c JOIN files AS f ON f.id = c.file_id
            WHERE \(condition(&sql)) AND f.status = 'ready' AND \(isDue("c", at: now, &sql)) AND \(isFree("c", &sql))
            ORDER BY c.updated_at ASC LIMIT \(sql.bind(.integer(Int64(limit + work.copies.count)))) \(dialect.freeRowLock)
            """
        let found = try connection.query(statement, sql.arguments)
            .map { CopyPlace(file: try $0.fileID("file_id"), deployment: DeploymentID(try $0.text("deployment_id"))) }
        let busy = work.copies
        return found.filter { !busy.contains($0) }
    }
}
