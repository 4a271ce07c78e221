import GRDB
import NIOPosix
import Synchronization

/// A database in one SQLite file, for one host.
///
/// Write-ahead logging lets reads go on beside a write. `synchronous` is `FULL`: an acknowledged write is on the disk,
/// since the journal of what exists at providers is of no use if a loss of power can take its end away.
package final class SQLiteDatabase: Database {
    private static let readerCount = 4
    private static let maximumWaiting = 4096
    private static let maximumWait = Duration.seconds(10)
    private static let busyTimeoutInSeconds = 5.0

    package let dialect = SQLDialect.sqlite
    private let pool: DatabasePool
    private let readers: NIOThreadPool
    private let writer: NIOThreadPool
    private let writes: SQLiteWriteQueue
    private let waitingReads = Mutex(0)

    /// Opens a database, making its directories (0700) and its file (0600) if they are missing.
    ///
    /// - Parameter path: The file; beside it SQLite keeps `-wal` and `-shm`.
    /// - Returns: The database, to be closed by the caller.
    /// - Throws: ``DatabaseError`` whose message has the path and what to do.
    package static func open(at path: String) async throws(DatabaseError) -> SQLiteDatabase {
        let writer = NIOThreadPool(numberOfThreads: 1)
        writer.start()
        let opening: Result<DatabasePool, DatabaseError> = await withCheckedContinuation { continuation in
            writer.submit { _ in continuation.resume(returning: openPool(at: path)) }
        }
        switch opening {
        case .success(let pool): return SQLiteDatabase(pool: pool, writer: writer)
        case .failure(let error):
            await writer.stop()
            throw error
        }
    }

    private init(pool: DatabasePool, writer: NIOThreadPool) {
        self.pool = pool
        self.writer = writer
        readers = NIOThreadPool(numberOfThreads: Self.readerCount)
        readers.start()
        writes = SQLiteWriteQueue(maximumWaiting: Self.maximumWaiting, maximumWait: Self.maximumWait)
    }

    deinit {
        readers.shutdownGracefully { _ in }
        writer.shutdownGracefully { _ in }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        try enterRead()
        defer { waitingReads.withLock { $0 -= 1 } }
        let start = ContinuousClock.now
        return try await withCheckedThrowingContinuation { continuation in
            readers.submit { [pool] state in
                guard state == .active else { return continuation.resume(throwing: DatabaseError.closed) }
                guard start.duration(to: .now) <= Self.maximumWait else {
                    return continuation.resume(throwing: DatabaseError.waitedTooLong)
                }
                continuation.resume(with: Self.read(from: pool, body))
            }
        }
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let job = SQLiteWriteQueue.Job(
                enqueuedAt: .now,
                perform: { connection in
                    let result = Result { try body(connection) }
                    return SQLiteWriteQueue.Performed(hasFailed: result.isFailure) { failure in
                        if let failure, !result.isFailure {
                            continuation.resume(throwing: failure)
                        } else {
                            continuation.resume(with: result)
                        }
                    }
                },
                refuse: { continuation.resume(throwing: $0) }
            )
            guard writes.add(job) else { return }
            writer.submit { [pool, writes] state in
                if state == .active { writes.drain(into: pool) } else { writes.close() }
            }
        }
    }

    // Nobody else writes to the file, so there is nothing to hear.
    package func listen(_: @escaping @Sendable (DatabaseNotice) -> Void) {}

    package func close() async {
        // Once only: SQLite crashes when a closed connection is asked for a checkpoint.
        guard writes.close() else { return }
        await readers.stop()
        await withCheckedContinuation { continuation in
            writer.submit { [pool] _ in
                // What fails here is made up for by the next start: the file and its log are whole either way.
                _ = Result {
                    // The log goes into the file, so that a copy of the file alone is a copy of the registry.
                    _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
                    try pool.close()
                }
                continuation.resume()
            }
        }
        await writer.stop()
    }

    private func enterRead() throws(DatabaseError) {
        let isFull = waitingReads.withLock { count in
            if count >= Self.maximumWaiting { return true }
            count += 1
            return false
        }
        if isFull { throw .tooManyWaiting }
    }

    private static func read<Value>(
        from pool: DatabasePool,
        _ body: @Sendable (any DatabaseConnection) throws -> Value
    ) -> Result<Value, any Error> {
        do {
            return .success(try pool.read { try body(SQLiteConnection(database: $0)) })
        } catch let error as GRDB.DatabaseError {
            return .failure(DatabaseError(sqlite: error))
        } catch {
            return .failure(error)
        }
    }

    private static func openPool(at path: String) -> Result<DatabasePool, DatabaseError> {
        do {
            try SQLiteLocation(path: path).prepare()
            var configuration = Configuration()
            configuration.label = "gantry"
            configuration.busyMode = .timeout(busyTimeoutInSeconds)
            configuration.maximumReaderCount = readerCount
            configuration.foreignKeysEnabled = true
            let pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB chooses NORMAL when it turns on write-ahead logging.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            return .success(pool)
        } catch let error as DatabaseError {
            return .failure(error)
        } catch {
            let reason = DatabaseError(sqlite: error)
            return .failure(DatabaseError(reason.code, "Cannot open \(path). \(reason.message)", cause: error))
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool {
        if case .failure = self { return true }
        return false
    }
}
