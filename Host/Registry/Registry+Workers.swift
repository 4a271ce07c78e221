import HostCore
import HostDatabase

extension Registry {
    /// For so long the others believe that a worker lives which they have not heard of.
    package static let lease: Duration = .seconds(15)
    /// How often a worker has to say that it lives.
    package static let heartbeat: Duration = .seconds(4)

    /// Begins to work as this host: what an earlier run of it has left can be claimed at once.
    ///
    /// - Parameter host: Names the host; whoever calls this makes sure that no other process runs as it.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func enlist(host: String) async throws(RegistryError) {
        try await change("beginning to work") { [dialect, worker] connection in
            try connection.execute("DELETE FROM workers WHERE host = $1", [.text(host)])
            try Self.stayAlive(worker, host: host, dialect, in: connection)
        }
    }

    /// Says that this worker lives.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func stayAlive(host: String) async throws(RegistryError) {
        try await change("staying alive") { [dialect, worker] connection in
            try Self.stayAlive(worker, host: host, dialect, in: connection)
        }
    }

    /// Ends the work of this run: what it has left can be claimed at once.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func retire() async throws(RegistryError) {
        try await change("ending the work") { [worker] connection in
            _ = try connection.execute("DELETE FROM workers WHERE id = $1", [.text(worker.text)])
        }
    }

    private static func stayAlive(
        _ worker: WorkerID,
        host: String,
        _ dialect: SQLDialect,
        in connection: any DatabaseConnection
    ) throws {
        let until = "\(dialect.currentSeconds) + \(lease.components.seconds)"
        try connection.execute(
            """
            INSERT INTO workers (id, host, alive_until) VALUES ($1, $2, \(until))
            ON CONFLICT (id) DO UPDATE SET alive_until = \(until)
            """,
            [.text(worker.text), .text(host)]
        )
    }
}
