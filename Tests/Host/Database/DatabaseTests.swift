import HostDatabase
import Testing

struct DatabaseTests {
    private struct Refused: Error {}

    @Test(arguments: DatabaseKind.allCases)
    func everyKindOfValueComesBackAsItWas(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let bytes = database.dialect.bytesType
            let million = DatabaseValue.blob((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            let rows: [[DatabaseValue]] = [
                [.null, .null, .null, .null],
                [.integer(.min), .real(-0.5), .text(""), .blob([])],
                [.integer(.max), .real(.greatestFiniteMagnitude), .text("naïve '\"; DROP TABLE t --\n"), million],
                [.integer(0), .real(-.infinity), .text("🇨🇭 日本語 \u{1}\u{10FFFF}"), .blob(Array(0...255))],
                [.integer(-1), .real(.leastNonzeroMagnitude), .text(String(repeating: "x", count: 100_000)), .null],
            ]

            let stored = try await database.write { connection in
                try connection.execute(
                    "CREATE TABLE t (n BIGINT PRIMARY KEY, i BIGINT, r DOUBLE PRECISION, s TEXT, b \(bytes))"
                )
                for (n, row) in rows.enumerated() {
                    let arguments = [.integer(Int64(n))] + row
                    try connection.execute("INSERT INTO t (n, i, r, s, b) VALUES ($1, $2, $3, $4, $5)", arguments)
                }
                return try connection.query("SELECT i, r, s, b FROM t ORDER BY n").map { row in
                    [try row.value("i"), try row.value("r"), try row.value("s"), try row.value("b")]
                }
            }

            #expect(stored == rows)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aLongAnswerComesWhole(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let sql = """
                WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10000)
                SELECT n, 'row' AS word FROM t ORDER BY n
                """

            let numbers = try await database.read { try $0.query(sql).map { try $0.integer("n") } }

            #expect(numbers == Array(1...10_000))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aSecondStatementIsNeverRun(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { connection in
                    try connection.execute("CREATE TABLE t (n BIGINT)")
                    try connection.execute("SELECT 1; DROP TABLE t")
                }
            }

            #expect(error?.code == .misuse)
            await #expect(throws: DatabaseError.self) { try await database.read { try $0.query("SELECT * FROM t") } }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func manyWritersOfOneRowLoseNoUpdate(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let lock = database.dialect.rowLock
            try await database.write { connection in
                try connection.execute("CREATE TABLE t (n BIGINT)")
                try connection.execute("INSERT INTO t (n) VALUES (0)")
            }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        try await database.write { connection in
                            let n = try connection.query("SELECT n FROM t \(lock)").first?.integer("n") ?? 0
                            try connection.execute("UPDATE t SET n = $1", [.integer(n + 1)])
                        }
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await database.read { try $0.query("SELECT n FROM t").first?.integer("n") } == 64)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func theWordsOfADialectWork(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let dialect = database.dialect

            let rows = try await database.write { connection in
                if let lock = dialect.migrationLock { _ = try connection.query(lock) }
                try connection.execute("CREATE TABLE t (k \(dialect.countedKeyType), v \(dialect.bytesType))")
                try connection.execute("INSERT INTO t (v) VALUES ($1), ($1)", [.blob([1])])
                return try connection.query("SELECT k, \(dialect.currentSeconds) AS now FROM t ORDER BY k")
            }

            #expect(try rows.map { try $0.integer("k") } == [1, 2])
            #expect(try #require(rows.first).integer("now") > 1_700_000_000)
            for lock in [dialect.rowLock, dialect.freeRowLock] {
                #expect(try await database.write { try $0.query("SELECT k FROM t \(lock)").count } == 2)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aColumnOfAnotherTypeIsAnErrorAndNotAGuess(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let row = try #require(
                try await database.read { try $0.query("SELECT 1 AS number, 'a' AS word, NULL AS empty") }.first
            )

            #expect(try row.integer("number") == 1)
            #expect(try row.bool("number"))
            #expect(try row.realIfPresent("number") == 1)
            #expect(try row.textIfPresent("empty") == nil)
            #expect(throws: DatabaseError.self) { try row.integer("word") }
            #expect(throws: DatabaseError.self) { try row.integer("empty") }
            #expect(throws: DatabaseError.self) { try row.blob("word") }
            #expect(throws: DatabaseError.self) { try row.text("absent") }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func executeSaysHowManyRowsChanged(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let counts = try await database.write { connection in
                [
                    try connection.execute("CREATE TABLE t (n BIGINT)"),
                    try connection.execute("INSERT INTO t (n) VALUES ($1), ($2), ($1)", [.integer(1), .integer(2)]),
                    try connection.execute("CREATE INDEX t_n ON t (n)"),
                    try connection.execute("UPDATE t SET n = 3 WHERE n = $1", [.integer(1)]),
                    try connection.execute("DELETE FROM t WHERE n = 9"),
                ]
            }

            #expect(counts == [0, 3, 0, 2, 0])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func nothingOfAFailedWriteStays(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            await #expect(throws: Refused.self) {
                try await database.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    throw Refused()
                }
            }

            #expect(try await database.read { try $0.query("SELECT * FROM t").count } == 0)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func writesThatFailTakeNothingOfTheirNeighboursWithThem(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT PRIMARY KEY)") }

            let failures = await withTaskGroup(of: Bool.self) { group in
                for n in 0..<1000 {
                    group.addTask {
                        do {
                            try await database.write { connection in
                                try connection.execute("INSERT INTO t (n) VALUES ($1)", [.integer(Int64(n))])
                                if n.isMultiple(of: 3) { throw Refused() }
                            }
                            return false
                        } catch {
                            return true
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }

            #expect(failures == 334)
            let stored = try await database.read { try $0.query("SELECT n FROM t").map { try $0.integer("n") } }
            #expect(stored.count == 666)
            #expect(stored.allSatisfy { !$0.isMultiple(of: 3) })
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aWriteOfACancelledTaskIsWrittenAllTheSame(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await database.write { _ = try $0.execute("INSERT INTO t (n) VALUES (1)") }
                }
                try await group.waitForAll()
            }

            #expect(try await database.read { try $0.query("SELECT * FROM t").count } == 1)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aReadSeesOneMomentWhileWritesGoOn(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            try await database.write { connection in
                try connection.execute("CREATE TABLE t (a BIGINT, b BIGINT)")
                try connection.execute("INSERT INTO t (a, b) VALUES (0, 0)")
            }

            let torn = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await database.write { connection in
                            try connection.execute("UPDATE t SET a = a + 1")
                            try connection.execute("UPDATE t SET b = b + 1")
                        }
                        return false
                    }
                    group.addTask {
                        try await database.read { connection in
                            let first = try connection.query("SELECT a FROM t").first?.integer("a")
                            let second = try connection.query("SELECT b FROM t").first?.integer("b")
                            return first != second
                        }
                    }
                }
                return try await group.reduce(false) { $0 || $1 }
            }

            #expect(!torn)
            #expect(try await database.read { try $0.query("SELECT b FROM t").first?.integer("b") } == 200)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aReadCannotWrite(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.read { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }
            }
            #expect(error?.code == .readOnly)
        }
    }

    @Test(
        arguments: DatabaseKind.allCases,
        [
            ("SELECT 1; SELECT 2", []),
            ("SELECT $1 AS a", []),
            ("SELECT 1 AS a", [DatabaseValue.integer(1)]),
            ("SELECT $2 AS a, $1 AS b", [.integer(1), .integer(2)]),
            ("SELECT $1 AS a, $3 AS b", [.integer(1), .integer(2)]),
            ("SELECT $1 AS a", [.text("a\0b")]),
            ("SELEC", []),
            ("SELECT * FROM absent", []),
            ("", []),
            ("SELECT 1 -- \0", []),
            ("SELECT $1 AS a", [.real(.nan)]),
            ("SELECT $0 AS a", []),
            ("SELECT $99999999999999999999 AS a", [.integer(1)]),
        ]
    )
    func aWrongStatementIsMisuse(kind: DatabaseKind, statement: (sql: String, arguments: [DatabaseValue])) async throws
    {
        try await kind.withDatabase { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.query(statement.sql, statement.arguments) }
            }
            #expect(error?.code == .misuse)
            #expect(error?.message.contains("\n") == false)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func brokenRulesOfTheTablesAreToldApart(kind: DatabaseKind) async throws {
        try await kind.withDatabase { database in
            try await database.write { connection in
                try connection.execute("CREATE TABLE parents (id TEXT NOT NULL PRIMARY KEY)")
                try connection.execute("CREATE TABLE children (parent TEXT REFERENCES parents (id), n BIGINT UNIQUE)")
                try connection.execute("INSERT INTO parents (id) VALUES ('a')")
                try connection.execute("INSERT INTO children (parent, n) VALUES ('a', 1)")
            }
            let cases: [(String, DatabaseError.Code)] = [
                ("INSERT INTO parents (id) VALUES ('a')", .uniqueViolation),
                ("INSERT INTO children (parent, n) VALUES ('a', 1)", .uniqueViolation),
                ("INSERT INTO parents (id) VALUES (NULL)", .constraintViolation),
                ("INSERT INTO children (parent, n) VALUES ('b', 2)", .constraintViolation),
            ]
            for (sql, code) in cases {
                let error = await #expect(throws: DatabaseError.self) {
                    try await database.write { _ = try $0.execute(sql) }
                }
                #expect(error?.code == code)
            }
        }
    }
}
