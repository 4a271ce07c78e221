import NIOPosix
import Synchronization

/// A database on a PostgreSQL server, for any number of hosts.
///
/// `synchronous_commit` is on: an acknowledged write survives a loss of power of the server. Connections that are lost
/// are made again when they are needed, so that a server may be restarted under a gateway that runs.
package final class PostgreSQLDatabase: Database {
    package let dialect = SQLDialect.postgreSQL
    private let settings: PostgreSQLSettings
    private let pool: PostgreSQLPool
    private let publisher = PostgreSQLPublisher()
    private let threads: NIOThreadPool
    private let waiting = Mutex(0)
    private let listener = Mutex<PostgreSQLListener?>(nil)

    /// Opens a database; one connection is made, the others when they are needed.
    ///
    /// - Parameters:
    ///   - url: `postgresql://user:password@host:port/database` with the parameters of libpq, and of other clients'
    ///     `schema`, `connection_limit` and `pool_timeout`.
    ///   - settings: What holds where the URL says nothing.
    /// - Returns: The database, to be closed by the caller.
    /// - Throws: ``DatabaseError`` with `.unavailable` whose message has host, port and database, and what to do.
    package static func open(
        url: String,
        settings: PostgreSQLSettings = PostgreSQLSettings()
    ) async throws(DatabaseError) -> PostgreSQLDatabase {
        let location = try PostgreSQLLocation(url: url, settings: settings)
        var settings = settings
        settings.connectionCount = location.connectionCount ?? min(max(settings.connectionCount, 1), 64)
        settings.maximumWait = location.maximumWait ?? settings.maximumWait
        let database = PostgreSQLDatabase(location, settings)
        if let failure = await database.connect() {
            await database.close()
            throw failure
        }
        return database
    }

    private init(_ location: PostgreSQLLocation, _ settings: PostgreSQLSettings) {
        self.settings = settings
        pool = PostgreSQLPool(location: location, settings: settings)
        threads = NIOThreadPool(numberOfThreads: settings.connectionCount)
        threads.start()
    }

    deinit {
        listener.withLock { $0 }?.abandon()
        threads.shutdownGracefully { _ in }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        try await run(.read, body)
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        try await run(.write, body)
    }

    package func listen(_ handler: @escaping @Sendable (DatabaseNotice) -> Void) {
        listener.withLock { listener in
            precondition(listener == nil, "listen is called once")
            listener = PostgreSQLListener(
                to: pool.location,
                settings: settings,
                publisher: publisher,
                handler: handler
            )
        }
    }

    package func close() async {
        guard pool.close() else { return }
        await listener.withLock { $0 }?.stop()
        await threads.stop()
    }

    private func run<Value: Sendable>(
        _ mode: PostgreSQLTransaction.Mode,
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        if let refusal = pool.refusal { throw refusal }
        try enter()
        defer { waiting.withLock { $0 -= 1 } }
        let deadline = ContinuousClock.now + settings.maximumWait
        return try await withCheckedThrowingContinuation { continuation in
            threads.submit { [pool, publisher] state in
                guard state == .active else { return continuation.resume(throwing: DatabaseError.closed) }
                guard .now <= deadline else { return continuation.resume(throwing: DatabaseError.waitedTooLong) }
                PostgreSQLTransaction.run(mode, on: pool, publisher: publisher, until: deadline, body) {
                    continuation.resume(with: $0)
                }
            }
        }
    }

    private func enter() throws(DatabaseError) {
        let isFull = waiting.withLock { count in
            if count >= settings.maximumWaiting { return true }
            count += 1
            return false
        }
        if isFull { throw .tooManyWaiting }
    }

    private func connect() async -> DatabaseError? {
        await withCheckedContinuation { continuation in
            threads.submit { [pool] _ in continuation.resume(returning: pool.connectionFailure) }
        }
    }
}
