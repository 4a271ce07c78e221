import HostCore
import HostDatabase
import Testing

@testable import HostRegistry

struct KeyUsageTests {
    @Test(arguments: DatabaseKind.allCases)
    func theLastUseOfAKeyIsWrittenWhenItIsFlushed(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let key = try await registry.createKey(NewKey())
            let unused = try await registry.createKey(NewKey())
            fixture.clock.advance(by: .seconds(5))
            let used = fixture.clock.now() as UnixTime
            _ = try await fixture.principal(of: key)
            #expect(try await registry.keyRecord(for: .id(key.record.id)).lastUsedAt == nil)
            fixture.clock.advance(by: .seconds(30))

            try await registry.flushKeyUsage()

            #expect(try await registry.keyRecord(for: .id(key.record.id)).lastUsedAt == used)
            #expect(try await registry.keyRecord(for: .id(unused.record.id)).lastUsedAt == nil)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyInMemoryIsNotedOnceAMinute(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let key = try await registry.createKey(NewKey())
            let first = fixture.clock.now() as UnixTime
            for _ in 0..<59 {
                _ = try await fixture.principal(of: key)
                #expect(registry.cachedPrincipal(for: key.record.digest) != nil)
                fixture.clock.advance(by: .seconds(1))
            }
            try await registry.flushKeyUsage()
            #expect(try await registry.keyRecord(for: .id(key.record.id)).lastUsedAt == first)

            fixture.clock.advance(by: .seconds(1))
            _ = try await fixture.principal(of: key)
            try await registry.flushKeyUsage()

            #expect(try await registry.keyRecord(for: .id(key.record.id)).lastUsedAt == first.advanced(bySeconds: 60))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func manyKeysAreWrittenAndOnesThatAreGoneDoNotMatter(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            var keys: [CreatedKey] = []
            for _ in 0..<300 { keys.append(try await registry.createKey(NewKey())) }
            for key in keys { _ = try await fixture.principal(of: key) }
            try await registry.deleteKeys([.id(keys[0].record.id)])

            try await registry.flushKeyUsage()

            for key in keys.dropFirst() {
                #expect(try await registry.keyRecord(for: .id(key.record.id)).lastUsedAt == fixture.clock.now())
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func refusedKeysAreNotUsed(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let key = try await registry.createKey(NewKey(isBlocked: true))
            #expect(try await registry.principal(forKey: key.text) == .blocked)
            #expect(try await registry.principal(forKey: "sk-1234") == .principal(.master))

            #expect(registry.keyUsage.take().isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatCouldNotBeWrittenIsKeptForTheNextTime(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey())
            _ = try await fixture.principal(of: key)
            await fixture.database.close()

            try await expectRefusal(.storeUnavailable) { try await fixture.registry.flushKeyUsage() }

            #expect(fixture.registry.keyUsage.take().map(\.key) == [key.record.id])
        }
    }

    @Test
    func theNumberOfNotedKeysIsBounded() {
        let usage = KeyUsage()
        let now = UnixTime(secondsSince1970: SettableClock.start)

        for n in 0..<30_000 { usage.note(KeyID("\(n)"), at: now) }

        #expect(usage.take().count == 20_000)
    }

    @Test
    func aLaterUseOutlivesOneThatIsPutBack() {
        let usage = KeyUsage()
        let key = KeyID("k")
        let now = UnixTime(secondsSince1970: SettableClock.start)
        usage.note(key, at: now)
        let taken = usage.take()
        usage.note(key, at: now.advanced(bySeconds: 60))

        usage.putBack(taken)

        #expect(usage.take().map(\.time) == [now.advanced(bySeconds: 60)])
    }
}
