import HostCore
import HostDatabase
import HostRegistry
import Testing

/// What is known from memory while the database cannot be asked, and what other hosts' changes do to it.
struct DatabaseAwayTests {
    @Test(arguments: DatabaseKind.allCases)
    func whatWasReadAShortWhileAgoServesForAMinute(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let made = try await registry.createUser(NewUser(id: UserID("alice")), with: NewKey())
            let alice = try await fixture.principal(of: made.key)
            let file = try await fixture.make(alice)
            let unseen = try await fixture.make(alice)
            _ = try await registry.files([fixture.reference(file)], for: alice)
            await fixture.database.close()
            fixture.clock.advance(by: .seconds(59))

            #expect(try await registry.principal(forKey: made.key.text) == .principal(alice))
            #expect(try await registry.files([fixture.reference(file)], for: alice)[file.id] == file)
            #expect(try await fixture.find(file, alice) == file)
            try await expectRefusal(.storeUnavailable) {
                _ = try await registry.files([fixture.reference(file), fixture.reference(unseen)], for: alice)
            }
            try await expectRefusal(.storeUnavailable) { _ = try await fixture.find(unseen, alice) }
            try await expectRefusal(.storeUnavailable) { _ = try await fixture.find(file, alice, .delete) }
            try await expectRefusal(.storeUnavailable) { try await fixture.delete(file, alice) }
            try await expectRefusal(.storeUnavailable) { _ = try await registry.principal(forKey: "sk-unknown") }

            fixture.clock.advance(by: .seconds(1))
            try await expectRefusal(.storeUnavailable) { _ = try await registry.principal(forKey: made.key.text) }
            try await expectRefusal(.storeUnavailable) { _ = try await fixture.find(file, alice) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func ownershipAndExpiryHoldFromMemoryToo(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            let expiry = UnixTime(secondsSince1970: SettableClock.start + 30)
            let file = try await fixture.make(alice, expiresAt: expiry)
            _ = try await fixture.find(file, alice)
            await fixture.database.close()
            fixture.clock.advance(by: .seconds(20))

            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(file, bob) }
            fixture.clock.advance(by: .seconds(10))
            try await expectBrokenRule(.fileExpired) { _ = try await fixture.find(file, alice) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyThatWasUnknownIsNotRefusedFromMemory(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            #expect(try await fixture.registry.principal(forKey: "sk-nobody") == .unknown)
            await fixture.database.close()
            fixture.clock.advance(by: .seconds(2))

            try await expectRefusal(.storeUnavailable) {
                _ = try await fixture.registry.principal(forKey: "sk-nobody")
            }
        }
    }

    @Test
    func anotherHostsChangesAreSeenBeforeWhatIsRememberedIsOld() async throws {
        try await RegistryFixture.with(.postgreSQL) { fixture in
            let remote = try await fixture.reopen()
            // Its clock stands still, so that age alone would never make it ask again.
            let other = try await RegistryFixture.registry(on: remote, clock: fixture.clock)
            other.listenForChanges()
            let made = try await fixture.registry.createUser(NewUser(id: UserID("alice")), with: NewKey())
            let alice = try await fixture.principal(of: made.key)
            let file = try await fixture.make(alice)
            let reference = fixture.reference(file)

            for _ in 0..<20 {
                _ = try await other.principal(forKey: made.key.text)
                _ = try await other.files([reference], for: alice)
            }
            try await fixture.registry.deleteKeys([.id(made.key.record.id)])
            try await fixture.delete(file, alice)

            try await eventually { try await other.principal(forKey: made.key.text) == .unknown }
            try await eventually { (try other.cachedFiles([reference], for: alice)) == nil }
            await remote.close()
        }
    }

    /// Waits up to 10 s for something that another connection brings about.
    private func eventually(_ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, "it did not come about in time")
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
