import HostDatabase
import Testing

struct SQLiteDatabaseTests {
    @Test
    func aColumnOfBytesHoldsEveryKindOfValue() async throws {
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
