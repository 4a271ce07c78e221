import Foundation
import HostDatabase
import Testing

struct SQLiteOpeningTests {
    @Test
    func aNewDatabaseIsReadableByItsUserAlone() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory + "/var/lib/gantry.db"

            let database = try await SQLiteDatabase.open(at: path)
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            #expect(try permissions(directory + "/var") == 0o700)
            #expect(try permissions(directory + "/var/lib") == 0o700)
            for file in [path, path + "-wal", path + "-shm"] { #expect(try permissions(file) == 0o600) }
            await database.close()
        }
    }

    @Test
    func whatWasWrittenIsThereAfterReopening() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory + "/test.db"
            let first = try await SQLiteDatabase.open(at: path)
            try await first.write { connection in
                try connection.execute("CREATE TABLE t (n BIGINT)")
                try connection.execute("INSERT INTO t (n) VALUES (7)")
            }
            await first.close()
            await first.close()

            let second = try await SQLiteDatabase.open(at: path)
            #expect(try await second.read { try $0.query("SELECT n FROM t").first?.integer("n") } == 7)
            await second.close()
        }
    }

    @Test
    func aClosedDatabaseSaysSo() async throws {
        try await TemporaryDirectory.with { directory in
            let database = try await SQLiteDatabase.open(at: directory + "/test.db")
            await database.close()

            let write = await #expect(throws: DatabaseError.self) {
                try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }
            }
            let read = await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.query("SELECT 1") }
            }
            #expect(write?.code == .unavailable)
            #expect(read?.code == .unavailable)
        }
    }

    @Test
    func closingManyTimesAtOnceClosesOnce() async throws {
        try await TemporaryDirectory.with { directory in
            let database = try await SQLiteDatabase.open(at: directory + "/test.db")
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<16 { group.addTask { await database.close() } }
            }
            await database.close()

            await #expect(throws: DatabaseError.self) { try await database.read { try $0.query("SELECT n FROM t") } }
        }
    }

    @Test
    func closingAnswersEveryoneWhoWaits() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory + "/test.db"
            let database = try await SQLiteDatabase.open(at: path)
            try await database.write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            let written = await withTaskGroup(of: Bool.self) { group in
                for n in 0..<500 {
                    group.addTask {
                        do {
                            try await database.write {
                                _ = try $0.execute("INSERT INTO t (n) VALUES ($1)", [.integer(Int64(n))])
                            }
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                group.addTask {
                    await database.close()
                    return false
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }

            let again = try await SQLiteDatabase.open(at: path)
            #expect(try await again.read { try $0.query("SELECT n FROM t").count } == written)
            await again.close()
        }
    }

    @Test
    func twoProcessesMayWriteTheSameFile() async throws {
        try await TemporaryDirectory.with { directory in
            let databases = [
                try await SQLiteDatabase.open(at: directory + "/test.db"),
                try await SQLiteDatabase.open(at: directory + "/test.db"),
            ]
            try await databases[0].write { _ = try $0.execute("CREATE TABLE t (n BIGINT)") }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for n in 0..<200 {
                    group.addTask {
                        try await databases[n % 2].write {
                            _ = try $0.execute("INSERT INTO t (n) VALUES ($1)", [.integer(Int64(n))])
                        }
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await databases[1].read { try $0.query("SELECT n FROM t").count } == 200)
            for database in databases { await database.close() }
        }
    }

    @Test
    func aPathThatCannotBeADatabaseIsNamedWithARemedy() async throws {
        try await TemporaryDirectory.with { directory in
            try Data("not a directory".utf8).write(to: URL(fileURLWithPath: directory + "/file"))
            for path in [directory, directory + "/file/test.db", "/proc/gantry/test.db"] {
                let error = try #require(await #expect(throws: DatabaseError.self) { try await open(path) })
                #expect([.unavailable, .readOnly].contains(error.code))
                #expect(error.message.contains(path))
                #expect(error.message.contains("choose another path"))
                #expect(!error.message.contains("\n"))
            }
            for path in ["", "a\0b"] {
                await #expect(throws: DatabaseError.self) { try await open(path) }
            }
        }
    }

    // To root every directory is writable.
    @Test(.enabled(if: geteuid() != 0))
    func aReadOnlyDirectoryIsNamedWithARemedy() async throws {
        try await TemporaryDirectory.with { directory in
            let database = try await SQLiteDatabase.open(at: directory + "/test.db")
            await database.close()
            try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: directory)
            defer { chmod(directory, 0o700) }

            for name in ["/test.db", "/new.db"] {
                let error = try #require(await #expect(throws: DatabaseError.self) { try await open(directory + name) })
                #expect(error.code == .readOnly)
                #expect(error.message.contains(directory))
            }
        }
    }

    @Test
    func aFileThatIsNoDatabaseIsLeftAsItIs() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory + "/test.db"
            let text = Data(String(repeating: "This is not a database. ", count: 500).utf8)
            try text.write(to: URL(fileURLWithPath: path))

            let error = try #require(await #expect(throws: DatabaseError.self) { try await open(path) })

            #expect(error.code == .corrupt)
            #expect(error.message.contains(path))
            #expect(!error.message.contains("\n"))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == text)
        }
    }

    @Test
    func aDamagedFileFailsTheReadThatNeedsThePage() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory + "/test.db"
            let first = try await SQLiteDatabase.open(at: path)
            try await first.write { connection in
                try connection.execute("CREATE TABLE t (v BLOB)")
                for _ in 0..<100 {
                    try connection.execute(
                        "INSERT INTO t (v) VALUES ($1)",
                        [.blob(Array(repeating: 1, count: 1000))]
                    )
                }
            }
            await first.close()
            var data = try Data(contentsOf: URL(fileURLWithPath: path))
            data.replaceSubrange(4096..., with: Data(repeating: 0xff, count: data.count - 4096))
            try data.write(to: URL(fileURLWithPath: path))

            let second = try await SQLiteDatabase.open(at: path)
            let error = await #expect(throws: DatabaseError.self) {
                try await second.read { try $0.query("SELECT v FROM t") }
            }
            #expect(error?.code == .corrupt)
            await second.close()
        }
    }

    private func open(_ path: String) async throws {
        let database = try await SQLiteDatabase.open(at: path)
        await database.close()
    }

    private func permissions(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }
}
