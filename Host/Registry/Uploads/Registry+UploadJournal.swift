import HostCore
import HostDatabase

extension Registry: UploadJournal {
    private static let uploadsExpiredAtOnce: Int64 = 1000
    private static let uploadsPerQuery = 512

    /// Ends uploads whose time has passed, each once over all hosts, and gives back those that this host began to complete
    /// and does not complete any more.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func expireUploads() async throws(RegistryError) {
        let now = clock.now()
        try await change("ending uploads") { [self] connection in
            var sql = SQLText()
            let statement = """
                SELECT id, status, file_id FROM uploads WHERE status IN ('pending', 'completing')
                    AND expires_at <= \(sql.bind(.integer(now.secondsSince1970)))
                    AND (status = 'pending' OR \(isFree("uploads", &sql)))
                ORDER BY expires_at ASC LIMIT \(sql.bind(.integer(Self.uploadsExpiredAtOnce))) \(dialect.freeRowLock)
                """
            let busy = work.files
            try giveBackLeft(butNot: busy, at: now, in: connection)
            for row in try connection.query(statement, sql.arguments) {
                if try row.text("status") == UploadStatus.completing.rawValue, busy.contains(try row.fileID("file_id"))
                {
                    continue
                }
                try UploadRows.end(row.uuid("id"), as: .expired, at: now, in: connection)
            }
        }
    }

    /// What could not be given back when its completion failed would keep the other hosts waiting.
    private func giveBackLeft(
        butNot busy: Set<FileID>,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        let own = try connection.query(
            "SELECT id, file_id FROM uploads WHERE status = 'completing' AND worker = $1 AND expires_at > $2",
            [.text(worker.text), .integer(now.secondsSince1970)]
        )
        for row in own where try !busy.contains(row.fileID("file_id")) {
            try connection.execute(
                """
                UPDATE uploads SET status = 'pending', worker = NULL, file_id = NULL, updated_at = $1
                WHERE id = $2 AND status = 'completing' AND worker = $3
                """,
                [.integer(now.secondsSince1970), .blob(try row.uuid("id").bytes), .text(worker.text)]
            )
        }
    }

    /// Those of these uploads that can still be completed.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func openUploads(among ids: Set<RecordUUID>) async throws(RegistryError) -> Set<RecordUUID> {
        guard !ids.isEmpty else { return [] }
        let stored = ids.map { DatabaseValue.blob($0.bytes) }
        return try await inspect("looking up uploads") { connection in
            var open: Set<RecordUUID> = []
            for start in stride(from: 0, to: stored.count, by: Self.uploadsPerQuery) {
                var sql = SQLText()
                let list = sql.bind(list: Array(stored[start...].prefix(Self.uploadsPerQuery)))
                let statement = "SELECT id FROM uploads WHERE id IN (\(list)) AND status IN ('pending', 'completing')"
                for row in try connection.query(statement, sql.arguments) { open.insert(try row.uuid("id")) }
            }
            return open
        }
    }

    /// The parts that an upload has, in no order.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func parts(of upload: ObjectID) async throws(RegistryError) -> [UploadPart] {
        try await inspect("looking up parts") { try UploadRows.parts(of: upload, in: $0) }
    }
}
