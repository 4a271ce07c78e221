import HostCore
import HostDatabase
import HostRegistry
import Testing

struct RegistryOpeningTests {
    @Test(arguments: DatabaseKind.allCases)
    func theIDKeyIsMadeOnceAndKept(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            #expect(fixture.registry.idKey.count == 32)
            #expect(Set(fixture.registry.idKey).count > 8)
            let other = try await fixture.otherHost()
            #expect(other.idKey == fixture.registry.idKey)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func hostsThatStartTogetherAgreeOnTheIDKey(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.dropTables()
            let databases = [try await fixture.reopen(), try await fixture.reopen()]
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

    @Test(arguments: DatabaseKind.allCases)
    func idsOfOneRegistryAreForgeriesToAnother(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { first in
            try await RegistryFixture.with(kind) { second in
                let file = try await first.make(try await first.principal("alice"))
                let text = first.registry.fileIDCodec(format: .gantry).text(for: file)

                let other = try await first.otherHost().fileIDCodec(format: .gantry)
                #expect(other.read(text) == .managed(file.id))
                #expect(second.registry.fileIDCodec(format: .gantry).read(text) == .unknown)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func recordsAreThereAfterReopening(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice)
            await fixture.database.close()

            let database = try await fixture.reopen()
            let registry = try await RegistryFixture.registry(on: database, clock: fixture.clock)

            #expect(try await registry.file(file.id, for: alice, action: .read, clientID: "x") == file)
            #expect(try await registry.user(UserID("alice")).keys.map(\.id) == [alice.keyID])
            await database.close()
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func tablesOfANewerGatewayAreRefusedAndLeftAlone(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.execute("UPDATE schema_version SET version = 99")

            let error = await #expect(throws: RegistryError.self) { try await fixture.otherHost() }

            #expect(error?.code == .schemaTooNew)
            #expect(error?.message.contains("version 99") == true)
            #expect(error?.message.contains("version 3") == true)
            let row = try await fixture.rows("SELECT version FROM schema_version").first
            #expect(try row?.integer("version") == 99)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aMigrationThatFailsLeavesNothing(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.execute("UPDATE schema_version SET version = 1")

            let error = await #expect(throws: RegistryError.self) { try await fixture.otherHost() }

            #expect(error?.message.contains("preparing its tables") == true)
            let row = try await fixture.rows("SELECT version FROM schema_version").first
            #expect(try row?.integer("version") == 1)
            #expect(try await fixture.rows("SELECT * FROM files").isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aClosedDatabaseIsUnhealthyAndNeverMakesAKeyUnknown(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
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
