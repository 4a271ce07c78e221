import HostDatabase
import Testing

struct SQLiteDatabaseTests {
    private struct Refused: Error {}

    @Test
    func everyKindOfValueComesBackAsItWas() async throws {
        try await TemporaryDirectory.withDatabase { database in
            let values: [DatabaseValue] = [
                .null, .integer(.min), .integer(.max), .real(-0.5), .text(""), .text("naïve '\"; DROP TABLE t --\n"),
                .blob([]), .blob(Array(0...255)),
            ]

            let stored = try await database.write { connection in
                try connection.execute("CREATE TABLE t (n BIGINT PRIMARY KEY, v BLOB)")
                for (n, value) in values.enumerated() {
                    try connection.execute("INSERT INTO t (n, v) VALUES ($1, $2)", [.integer(Int64(n)), value])
                }
                return try connection.query("SELECT v FROM t ORDER BY n").map { try $0.value("v") }
            }

            #expect(stored == values)
        }
    }

    @Test
    func aColumnOfAnotherTypeIsAnErrorAndNotAGuess() async throws {
        try await TemporaryDirectory.withDatabase { database in
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

    @Test
    func executeSaysHowManyRowsChanged() async throws {
        try await TemporaryDirectory.withDatabase { database in
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

    @Test
    func nothingOfAFailedWriteStays() async throws {
        try await TemporaryDirectory.withDatabase { database in
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

    @Test
    func writesThatFailTakeNothingOfTheirNeighboursWithThem() async throws {
        try await TemporaryDirectory.withDatabase { database in
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

    @Test
    func aWriteOfACancelledTaskIsWrittenAllTheSame() async throws {
        try await TemporaryDirectory.withDatabase { database in
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

    @Test
    func aReadSeesOneMomentWhileWritesGoOn() async throws {
        try await TemporaryDirectory.withDatabase { database in
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

    @Test
    func aReadCannotWrite() async throws {
        try await TemporaryDirectory.withDatabase { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.read { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }
            }
            #expect(error?.code == .readOnly)
        }
    }

    @Test(arguments: [
        ("SELECT 1; SELECT 2", []),
        ("SELECT $1 AS a", []),
        ("SELECT 1 AS a", [DatabaseValue.integer(1)]),
        ("SELECT $2 AS a, $1 AS b", [.integer(1), .integer(2)]),
        ("SELECT $1 AS a, $3 AS b", [.integer(1), .integer(2)]),
        ("SELECT $1 AS a", [.text("a\0b")]),
        ("SELEC", []),
        ("SELECT * FROM absent", []),
    ])
    func aWrongStatementIsMisuse(sql: String, arguments: [DatabaseValue]) async throws {
        try await TemporaryDirectory.withDatabase { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.query(sql, arguments) }
            }
            #expect(error?.code == .misuse)
            #expect(error?.message.contains("\n") == false)
        }
    }

    @Test
    func brokenRulesOfTheTablesAreToldApart() async throws {
        try await TemporaryDirectory.withDatabase { database in
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

    @Test
    func aFullDiskFailsTheWriteAndNothingElse() async throws {
        try await TemporaryDirectory.withDatabase { database in
            try await database.write { connection in
                try connection.execute("CREATE TABLE t (v BLOB)")
                try connection.execute("INSERT INTO t (v) VALUES ('kept')")
                _ = try connection.query("PRAGMA max_page_count = 8")
            }
            let large = DatabaseValue.blob(Array(repeating: 7, count: 100_000))

            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { _ = try $0.execute("INSERT INTO t (v) VALUES ($1)", [large]) }
            }

            #expect(error?.code == .full)
            try await database.write { _ = try $0.execute("INSERT INTO t (v) VALUES ('small')") }
            #expect(try await database.read { try $0.query("SELECT * FROM t").count } == 2)
        }
    }

    @Test
    func anAcknowledgedWriteIsOnTheDisk() async throws {
        try await TemporaryDirectory.withDatabase { database in
            // A PRAGMA that sets nothing tells what is set; the write connection is the one that matters.
            let row = try #require(try await database.write { try $0.query("PRAGMA synchronous") }.first)
            #expect(try row.integer("synchronous") == 2)
            let mode = try #require(try await database.read { try $0.query("PRAGMA journal_mode") }.first)
            #expect(try mode.text("journal_mode") == "wal")
        }
    }
}
