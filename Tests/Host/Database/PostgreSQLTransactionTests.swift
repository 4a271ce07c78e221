import HostDatabase
import PostgreSQLServer
import Testing

struct PostgreSQLTransactionTests {
    @Test
    func everyTypeThatIsKnownIsRead() async throws {
        try await withDatabase { database in
            let row = try #require(
                try await database.read { connection in
                    try connection.query(
                        """
                        SELECT CAST(-2 AS SMALLINT) AS a, -3 AS b, CAST(4294967295 AS OID) AS c, TRUE AS d, FALSE AS e,
                            CAST(0.5 AS REAL) AS f, -1234567.000125 AS g, CAST('NaN' AS NUMERIC) AS h, 0.0 AS i,
                            CAST('x' AS VARCHAR) AS j, CAST('y' AS CHAR(3)) AS k, CAST('z' AS NAME) AS l,
                            CAST('{"a": 1}' AS JSON) AS m, pg_sleep(0) AS n, 1e30 AS o, 0.00000000012 AS p
                        """
                    )
                }.first
            )

            let reals = try ["f", "g", "i", "o", "p"].map { try row.realIfPresent($0) }
            #expect(try "abcde".map { try row.integer(String($0)) } == [-2, -3, 4_294_967_295, 1, 0])
            #expect(reals == [0.5, -1_234_567.000125, 0, 1e30, 0.00000000012])
            #expect(try row.realIfPresent("h")?.isNaN == true)
            #expect(try "jklm".map { try row.text(String($0)) } == ["x", "y  ", "z", "{\"a\": 1}"])
            #expect(try row.value("n") == .null)
        }
    }

    @Test(arguments: [
        ("SELECT now() AS a", []),
        ("SELECT CAST($1 AS BIGINT) AS a", [DatabaseValue.real(1.5)]),
        ("SELECT CAST($1 AS BIGINT) AS a", [.text("secret")]),
        ("SELECT CAST($1 AS BIGINT) AS a", [.blob([1])]),
        ("SELECT CAST($1 AS BYTEA) AS a", [.text("secret")]),
        ("SELECT CAST($1 AS TEXT) AS a", [.blob(Array("secret".utf8))]),
        ("VACUUM", []),
    ])
    func whatDoesNotFitItsTypeIsMisuse(sql: String, arguments: [DatabaseValue]) async throws {
        try await withDatabase { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { try $0.query(sql, arguments) }
            }

            #expect(error?.code == .misuse)
            #expect(error?.message.contains("secret") == false)
        }
    }

    @Test
    func moreStatementsThanAreKeptPreparedWork() async throws {
        try await withDatabase(connectionCount: 1) { database in
            for _ in 0..<2 {
                for n in 0..<300 {
                    let row = try await database.read { try $0.query("SELECT \(n) AS n").first }
                    #expect(try row?.integer("n") == Int64(n))
                }
            }

            let kept = try await database.read {
                try $0.query("SELECT count(*) AS n FROM pg_prepared_statements").first
            }
            #expect(try kept?.integer("n") == 256)
        }
    }

    @Test
    func statementsArePreparedAgainWhenTheTablesHaveChanged() async throws {
        try await withDatabase(connectionCount: 1) { database in
            let select: @Sendable (any DatabaseConnection) throws -> Int = { connection in
                _ = try connection.query("SELECT 1 AS one")
                return try connection.query("SELECT * FROM t").count
            }
            try await database.write { connection in
                try connection.execute("CREATE TABLE t (n BIGINT)")
                try connection.execute("INSERT INTO t (n) VALUES (1)")
                _ = try select(connection)
            }
            try await database.write { _ = try $0.execute("ALTER TABLE t ADD COLUMN s TEXT") }

            let written = try await database.write(select)
            try await database.write { _ = try $0.execute("ALTER TABLE t ADD COLUMN v TEXT") }
            let read = try await database.read { try $0.query("SELECT * FROM t").count }

            #expect(written == 1)
            #expect(read == 1)
        }
    }

    @Test
    func aBodyThatGoesOnAfterAFailureFails() async throws {
        try await withDatabase { database in
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT UNIQUE)") }

            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    #expect(throws: DatabaseError.self) { try connection.execute("INSERT INTO t (n) VALUES (1)") }
                }
            }

            #expect(error?.code == .uniqueViolation)
            #expect(try await database.read { try $0.query("SELECT n FROM t").count } == 0)
        }
    }

    @Test
    func aDeadlockIsRunAgain() async throws {
        try await withDatabase { database in
            try await database.write { connection in
                try connection.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT)")
                try connection.execute("INSERT INTO t (id, n) VALUES (1, 0), (2, 0)")
            }
            let bothHoldARow = Rendezvous(parties: 2)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for ids in [[1, 2], [2, 1]] as [[Int64]] {
                    group.addTask {
                        try await database.write { connection in
                            try connection.execute("UPDATE t SET n = n + 1 WHERE id = $1", [.integer(ids[0])])
                            bothHoldARow.arrive()
                            try connection.execute("UPDATE t SET n = n + 1 WHERE id = $1", [.integer(ids[1])])
                        }
                    }
                }
                try await group.waitForAll()
            }

            let sum = try await database.read { try $0.query("SELECT CAST(sum(n) AS BIGINT) AS n FROM t").first }
            #expect(try sum?.integer("n") == 4)
            #expect(bothHoldARow.arrivals == 3)
        }
    }

    @Test
    func aStatementThatTakesTooLongTimesOut() async throws {
        var settings = PostgreSQLSettings()
        settings.statementDeadline = .milliseconds(300)
        try await PostgreSQLServer.shared().withDatabase(settings: settings) { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.query("SELECT pg_sleep(30)") }
            }

            #expect(error?.code == .timeout)
            let rows = try await database.read { try $0.query("SELECT 1 AS one") }
            #expect(rows.count == 1)
        }
    }

    @Test
    func whoeverWaitsTooLongOrInTooLongAQueueIsRefused() async throws {
        var settings = PostgreSQLSettings()
        settings.connectionCount = 1
        settings.maximumWaiting = 2
        settings.maximumWait = .milliseconds(200)
        try await PostgreSQLServer.shared().withDatabase(settings: settings) { database in
            let codes = await withTaskGroup(of: DatabaseError.Code?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        do {
                            _ = try await database.read { try $0.query("SELECT pg_sleep(1)") }
                            return nil
                        } catch {
                            return (error as? DatabaseError)?.code
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(Set(codes) == [nil, .timeout, .unavailable])
        }
    }

    private func withDatabase(
        connectionCount: Int = 8,
        _ body: (PostgreSQLDatabase) async throws -> Void
    ) async throws {
        var settings = PostgreSQLSettings()
        settings.connectionCount = connectionCount
        try await PostgreSQLServer.shared().withDatabase(settings: settings, body)
    }
}
