import HostCore
import HostDatabase
import HostRegistry
import Testing

struct RegistryOpeningTests {
    @Test
    func theIDKeyIsMadeOnceAndKept() async throws {
        try await RegistryFixture.with { fixture in
            #expect(fixture.registry.idKey.count == 32)
            #expect(Set(fixture.registry.idKey).count > 8)
            let other = try await fixture.otherHost()
            #expect(other.idKey == fixture.registry.idKey)
        }
    }

    @Test
    func hostsThatStartTogetherAgreeOnTheIDKey() async throws {
        try await RegistryFixture.with { fixture in
            let path = fixture.path + "-fresh"
            let databases = [
                try await SQLiteDatabase.open(at: path), try await SQLiteDatabase.open(at: path),
            ]
            let keys = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for n in 0..<16 {
                    group.addTask { try await Registry(database: databases[n % 2]).idKey }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(keys.count == 1)
            for database in databases { await database.close() }
        }
    }

    @Test
    func idsOfOneRegistryAreForgeriesToAnother() async throws {
        try await RegistryFixture.with { first in
            try await RegistryFixture.with { second in
                let file = try await first.make(try await first.principal("alice"))
                let text = first.registry.fileIDCodec(format: .gantry).text(for: file)

                let other = try await first.otherHost().fileIDCodec(format: .gantry)
                #expect(other.read(text) == .managed(file.id))
                #expect(second.registry.fileIDCodec(format: .gantry).read(text) == .unknown)
            }
        }
    }

    @Test
    func recordsAreThereAfterReopening() async throws {
        try await RegistryFixture.with { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice)
            await fixture.database.close()

            let database = try await SQLiteDatabase.open(at: fixture.path)
            let registry = try await RegistryFixture.registry(on: database, clock: fixture.clock)

            #expect(try await registry.file(file.id, for: alice, action: .read, clientID: "x") == file)
            #expect(try await registry.user(UserID("alice")).keys.map(\.id) == [alice.keyID])
            await database.close()
        }
    }

    @Test
    func tablesOfANewerGatewayAreRefusedAndLeftAlone() async throws {
        try await RegistryFixture.with { fixture in
            try await fixture.database.write { _ = try $0.execute("UPDATE schema_version SET version = 99") }

            let error = await #expect(throws: RegistryError.self) { try await fixture.otherHost() }

            #expect(error?.code == .schemaTooNew)
            #expect(error?.message.contains("version 99") == true)
            #expect(error?.message.contains("version 2") == true)
            let row = try await fixture.database.read { try $0.query("SELECT version FROM schema_version").first }
            #expect(try row?.integer("version") == 99)
        }
    }

    @Test
    func aMigrationThatFailsLeavesNothing() async throws {
        try await RegistryFixture.with { fixture in
            let database = try await SQLiteDatabase.open(at: fixture.path + "-other")
            try await database.write { _ = try $0.execute("CREATE TABLE file_copies (n BIGINT)") }

            await #expect(throws: RegistryError.self) { _ = try await Registry(database: database) }

            let tables = try await database.read { try $0.query("SELECT name FROM sqlite_master") }
            #expect(try tables.map { try $0.text("name") } == ["file_copies"])
            await database.close()
        }
    }

    @Test
    func aClosedDatabaseIsUnhealthyAndNeverMakesAKeyUnknown() async throws {
        try await RegistryFixture.with { fixture in
            #expect(await fixture.registry.health())
            let alice = try await fixture.principal("alice")
            await fixture.database.close()

            #expect(await fixture.registry.health() == false)
            try await expectRefusal(.storeUnavailable) { _ = try await fixture.registry.principal(forKey: "sk-other") }
            try await expectRefusal(.storeUnavailable) { _ = try await fixture.list(alice) }
            try await expectRefusal(.storeUnavailable) { _ = try await fixture.begin(alice) }
        }
    }
}
