import HostCore
import HostDatabase

extension Registry {
    /// Names the host that this process works as; nil as long as it does not work.
    package var hostName: String? { enlistedHost.name }

    /// For so long the others believe that a worker lives which they have not heard of.
    package static let lease: Duration = .seconds(15)
    /// How often a worker has to say that it lives.
    package static let heartbeat: Duration = .seconds(4)

    /// Begins to work as this host: what an earlier run of it has left can be claimed at once.
    ///
    /// - Parameter host: Names the host; whoever calls this makes sure that no other process runs as it.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func enlist(host: String) async throws(RegistryError) {
        enlistedHost.set(host)
        try await change("beginning to work") { [dialect, worker] connection in
            // When it was last heard of says until when it can have asked a provider for something.
            try connection.execute("UPDATE workers SET alive_until = 0 WHERE host = $1", [.text(host)])
            // A webhook's lease has no other end than its time.
            try connection.execute(
                """
                UPDATE webhook_deliveries SET due_at = 0, worker = NULL
                WHERE state = 'pending' AND worker IN (SELECT id FROM workers WHERE host = $1)
                """,
                [.text(host)]
            )
            _ = try Self.stayAlive(worker, host: host, dialect, in: connection)
        }
        leaseRecord.renewed(wasUnbroken: false, at: monotonicClock.now())
    }

    /// Says that this worker lives.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func stayAlive(host: String) async throws(RegistryError) {
        let wasUnbroken = try await change("staying alive") { [dialect, worker] connection in
            try Self.stayAlive(worker, host: host, dialect, in: connection)
        }
        leaseRecord.renewed(wasUnbroken: wasUnbroken, at: monotonicClock.now())
    }

    /// Ends the work of this run: what it has left can be claimed at once.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func retire() async throws(RegistryError) {
        try await change("ending the work") { [worker] connection in
            _ = try connection.execute("UPDATE workers SET alive_until = 0 WHERE id = $1", [.text(worker.text)])
        }
    }

    /// - Returns: Whether the lease had not run out.
    private static func stayAlive(
        _ worker: WorkerID,
        host: String,
        _ dialect: SQLDialect,
        in connection: any DatabaseConnection
    ) throws -> Bool {
        let now = dialect.currentSeconds
        let isUnbroken = try !connection.query(
            "SELECT id FROM workers WHERE id = $1 AND alive_until > \(now)",
            [.text(worker.text)]
        ).isEmpty
        let until = "\(now) + \(lease.components.seconds)"
        try connection.execute(
            """
            INSERT INTO workers (id, host, heard_at, alive_until) VALUES ($1, $2, \(now), \(until))
            ON CONFLICT (id) DO UPDATE SET heard_at = \(now), alive_until = \(until)
            """,
            [.text(worker.text), .text(host)]
        )
        return isUnbroken
    }
}
