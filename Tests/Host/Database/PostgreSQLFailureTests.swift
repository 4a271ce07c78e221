import Foundation
import HostDatabase
import PostgreSQLServer
import Synchronization
import Testing

struct PostgreSQLFailureTests {
    @Test(arguments: [PostgreSQLServer.StopMode.fast, .immediate])
    func aRestartOfAnIdleServerIsNotNoticed(mode: PostgreSQLServer.StopMode) async throws {
        try await PostgreSQLServer.with { server in
            let database = try await PostgreSQLDatabase.open(url: server.url(database: "postgres", over: .tcp))
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }
            try await fill(database)

            try await server.restart(mode)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for n in 0..<16 {
                    group.addTask {
                        try await database.write {
                            _ = try $0.execute("INSERT INTO t (n) VALUES ($1)", [.integer(Int64(n))])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await database.read { try $0.query("SELECT n FROM t").count } == 16)
            await database.close()
        }
    }

    @Test
    func aServerThatIsAwayFailsCallsAtOnceAndIsUsedWhenItIsBack() async throws {
        try await PostgreSQLServer.with { server in
            let database = try await PostgreSQLDatabase.open(url: server.url(database: "postgres", over: .tcp))
            try await fill(database)

            try await server.stop()
            let started = ContinuousClock.now
            for _ in 0..<200 {
                let error = await #expect(throws: DatabaseError.self) {
                    try await database.read { try $0.query("SELECT 1 AS one") }
                }
                #expect(error?.code == .unavailable)
            }
            #expect(started.duration(to: .now) < .seconds(2))

            try await server.start()
            #expect(
                try await server.becomes("1") {
                    do {
                        return "\(try await database.read { try $0.query("SELECT 1 AS one").count })"
                    } catch {
                        return "\(error)"
                    }
                }
            )
            await database.close()
        }
    }

    @Test
    func aSessionThatIsEndedInATransactionLeavesNothing() async throws {
        let server = try await PostgreSQLServer.shared()
        try await server.withDatabase { database in
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    _ = try connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
                    try connection.execute("INSERT INTO t (n) VALUES (2)")
                }
            }

            #expect(error?.code == .unavailable)
            #expect(try await database.read { try $0.query("SELECT n FROM t").count } == 0)
        }
    }

    @Test
    func aCrashInATransactionLeavesNothing() async throws {
        try await PostgreSQLServer.with { server in
            let database = try await PostgreSQLDatabase.open(url: server.url(database: "postgres"))
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    let row = try connection.query("SELECT pg_backend_pid() AS pid").first
                    kill(pid_t(try row?.integer("pid") ?? 0), SIGKILL)
                    try connection.execute("INSERT INTO t (n) VALUES (2)")
                }
            }

            #expect(error?.code == .unavailable)
            #expect(
                try await server.becomes("0") {
                    do {
                        return "\(try await database.read { try $0.query("SELECT n FROM t").count })"
                    } catch {
                        return "\(error)"
                    }
                }
            )
            await database.close()
        }
    }

    @Test
    func whatWasAcknowledgedIsThereAndWhatFailedIsNotHoweverSessionsEnd() async throws {
        try await PostgreSQLServer.with { server in
            let database = try await PostgreSQLDatabase.open(url: server.url(database: "postgres", over: .tcp))
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT PRIMARY KEY)") }
            let fates = Fates()

            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var n = Int64(writer) << 40
                        while !fates.isOver.load(ordering: .relaxed) {
                            n += 1
                            let fate = await insert(n, into: database)
                            fates.outcomes.withLock { $0[n] = .some(fate) }
                            // As a client does; without it, eight loops leave the server no processor to start on.
                            if fate == .unavailable { try await Task.sleep(for: .milliseconds(1)) }
                        }
                    }
                }
                for _ in 0..<40 {
                    try await server.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gantry'"
                    )
                }
                try await server.restart(.immediate)
                try await server.restart(.fast)
                fates.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
            }

            let stored = Set(try await server.run("SELECT n FROM t").split(separator: "\n").compactMap { Int64($0) })
            let outcomes = fates.outcomes.withLock { $0 }
            let acknowledged = outcomes.filter { $0.value == nil }.map(\.key)
            let failed = outcomes.filter { $0.value != nil && $0.value != .outcomeUnknown }.map(\.key)
            #expect(acknowledged.count > 100)
            #expect(acknowledged.filter { !stored.contains($0) } == [])
            #expect(failed.filter(stored.contains) == [])
            #expect(stored.isSubset(of: outcomes.keys))
            await database.close()
        }
    }

    @Test
    func aSessionThatIsEndedByItsCommitHasAnUnknownOutcome() async throws {
        let server = try await PostgreSQLServer.shared()
        let name = try await server.makeDatabase()
        try await server.run(
            """
            CREATE TABLE t (n BIGINT, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED);
            CREATE FUNCTION leave() RETURNS TRIGGER LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER leaving AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.n < 0) EXECUTE FUNCTION leave();
            """,
            in: name
        )
        let database = try await PostgreSQLDatabase.open(url: server.url(database: name))

        for (sql, code) in [
            ("INSERT INTO t (n) VALUES (1)", nil), ("INSERT INTO t (n) VALUES (1)", .uniqueViolation),
            ("INSERT INTO t (n) VALUES (-1)", .outcomeUnknown), ("INSERT INTO t (n) VALUES (2)", nil),
        ] as [(String, DatabaseError.Code?)] {
            var thrown: DatabaseError.Code?
            do {
                try await database.write { _ = try $0.execute(sql) }
            } catch let error as DatabaseError {
                thrown = error.code
            }
            #expect(thrown == code)
        }

        #expect(try await database.read { try $0.query("SELECT n FROM t").count } == 2)
        await database.close()
    }

    @Test(arguments: ["INSERT INTO t (n) VALUES (2)", nil])
    func aSessionThatFallsSilentIsGivenUp(statement: String?) async throws {
        var settings = PostgreSQLSettings()
        settings.statementDeadline = .milliseconds(300)
        try await PostgreSQLServer.shared().withDatabase(settings: settings) { database in
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }
            let session = Mutex<pid_t>(0)

            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    let row = try connection.query("SELECT pg_backend_pid() AS pid").first
                    let process = pid_t(try row?.integer("pid") ?? 0)
                    session.withLock { $0 = process }
                    kill(process, SIGSTOP)
                    if let statement { try connection.execute(statement) }
                }
            }

            // What the session was asked to commit before it fell silent, it commits when it wakes.
            kill(session.withLock { $0 }, SIGCONT)
            #expect(error?.code == (statement == nil ? .outcomeUnknown : .timeout))
            try await database.write { _ = try $0.execute("INSERT INTO t (n) VALUES (3)") }
        }
    }

    @Test
    func aServerThatIsReadOnlySaysSo() async throws {
        try await PostgreSQLServer.with(configuration: ["default_transaction_read_only = on"]) { server in
            let database = try await PostgreSQLDatabase.open(url: server.url(database: "postgres"))

            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }
            }

            #expect(error?.code == .readOnly)
            #expect(try await database.read { try $0.query("SELECT 1 AS one").count } == 1)
            await database.close()
        }
    }

    @Test
    func aServerWithTooFewConnectionsIsUsedWithThoseItHas() async throws {
        let limits = ["max_connections = 4", "superuser_reserved_connections = 0", "max_wal_senders = 0"]
        try await PostgreSQLServer.with(configuration: limits) { server in
            let database = try await PostgreSQLDatabase.open(url: server.url(database: "postgres"))

            let failures = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        do {
                            _ = try await database.read { try $0.query("SELECT pg_sleep(0.01)") }
                            return false
                        } catch {
                            return true
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }

            #expect(failures == 0)
            await database.close()
        }
    }

    /// Uses all connections at once.
    private func fill(_ database: PostgreSQLDatabase) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { _ = try await database.read { try $0.query("SELECT pg_sleep(0.05)") } } }
            try await group.waitForAll()
        }
    }

    private func insert(_ n: Int64, into database: PostgreSQLDatabase) async -> DatabaseError.Code? {
        do {
            try await database.write { _ = try $0.execute("INSERT INTO t (n) VALUES ($1)", [.integer(n)]) }
            return nil
        } catch {
            return (error as? DatabaseError)?.code ?? .misuse
        }
    }
}

/// What became of writes: nil for those that were acknowledged.
private final class Fates: Sendable {
    let outcomes = Mutex<[Int64: DatabaseError.Code?]>([:])
    let isOver = Atomic(false)
}
