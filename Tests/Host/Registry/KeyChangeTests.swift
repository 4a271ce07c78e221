import HostCore
import HostDatabase
import HostRegistry
import Testing

struct KeyChangeTests {
    @Test(arguments: DatabaseKind.allCases)
    func aChangeChangesWhatItNamesAndNothingElse(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: UserID("u"), models: ["a", "b"]))
            let key = try await registry.createKey(
                NewKey(alias: "one", userID: UserID("u"), models: ["a"], metadata: "{}", maximumBudget: 1)
            )
            _ = try await fixture.principal(of: key)

            let renamed = try await registry.updateKey(.id(key.record.id), KeyChange(alias: "two"))
            #expect(renamed.alias == "two")
            #expect(renamed.models == ["a"] && renamed.metadata == "{}" && renamed.maximumBudget == 1)
            #expect(renamed.userID == UserID("u") && renamed.digest == key.record.digest)

            let change = KeyChange(alias: "", models: ["b"], allowsRawFileIDs: true, expiry: .after(.seconds(60)))
            let changed = try await registry.updateKey(.digest(key.record.digest), change)
            #expect(changed.alias == nil)
            #expect(changed.expiresAt == (fixture.clock.now() as UnixTime).advanced(bySeconds: 60))
            let principal = try await fixture.principal(of: key)
            #expect(principal.models == .only(["b"]))
            #expect(principal.allowsRawFileIDs)

            #expect(try await registry.updateKey(.id(key.record.id), KeyChange(expiry: .never)).expiresAt == nil)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aChangeBeyondTheUsersOrTeamsModelsIsRefused(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: UserID("u"), models: ["a"]))
            try await registry.createTeam(NewTeam(id: TeamID("t"), models: ["b"]))
            let key = try await registry.createKey(NewKey(userID: UserID("u"), models: ["a"]))
            let selector = KeySelector.id(key.record.id)

            for change in [KeyChange(models: ["b"]), KeyChange(models: ["*"]), KeyChange(teamID: TeamID("t"))] {
                try await expectRefusal(.invalid) { try await registry.updateKey(selector, change) }
            }
            for change in [KeyChange(userID: UserID("x")), KeyChange(teamID: TeamID("x"))] {
                try await expectRefusal(.notFound) { try await registry.updateKey(selector, change) }
            }
            try await expectRefusal(.invalid) {
                try await registry.updateKey(selector, KeyChange(userID: Principal.masterUser))
            }
            #expect(try await registry.keyRecord(for: selector) == key.record)
            #expect(try await registry.team(TeamID("t")).team.members.isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyMadeAnewHasAnotherTextAndTheSameIDAndFiles(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let key = try await registry.createKey(NewKey(alias: "k", models: ["a"]))
            let file = try await fixture.make(try await fixture.principal(of: key))

            let anew = try await registry.regenerateKey(.digest(key.record.digest))

            #expect(anew.text != key.text)
            #expect(anew.record.id == key.record.id)
            #expect(anew.record.display == "sk-...\(anew.text.suffix(4))")
            #expect(anew.record.models == ["a"] && anew.record.alias == "k")
            #expect(try await registry.principal(forKey: key.text) == .unknown)
            #expect(try await fixture.find(file, try await fixture.principal(of: anew)) == file)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyMadeAnewStopsElsewhereWithinTwoSeconds(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey())
            let other = try await fixture.otherHost()
            _ = try await other.principal(forKey: key.text)

            _ = try await fixture.registry.regenerateKey(.id(key.record.id))

            fixture.clock.advance(by: .seconds(2))
            #expect(try await other.principal(forKey: key.text) == .unknown)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aBlockedKeyStaysBlockedWhenItIsMadeAnew(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey(isBlocked: true))

            let anew = try await fixture.registry.regenerateKey(.id(key.record.id))

            #expect(try await fixture.registry.principal(forKey: anew.text) == .blocked)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anExpiryMustLieAhead(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let now = fixture.clock.now() as UnixTime
            let key = try await fixture.registry.createKey(NewKey(expiry: .at(now.advanced(bySeconds: 1))))
            #expect(key.record.expiresAt == now.advanced(bySeconds: 1))

            for expiry in [KeyExpiry.at(now), .after(.zero)] {
                try await expectRefusal(.invalid) { _ = try await fixture.registry.createKey(NewKey(expiry: expiry)) }
                try await expectRefusal(.invalid) {
                    try await fixture.registry.updateKey(.id(key.record.id), KeyChange(expiry: expiry))
                }
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anAliasNamesExactlyOneKey(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let one = try await registry.createKey(NewKey(alias: "one"))
            _ = try await registry.createKey(NewKey(alias: "twice"))
            _ = try await registry.createKey(NewKey(alias: "twice"))
            let confusing = try await registry.createKey(NewKey(alias: one.record.id.description))

            try await expectRefusal(.conflict) { try await registry.deleteKeys([], aliases: ["one", "twice"]) }
            try await expectRefusal(.notFound) { try await registry.deleteKeys([], aliases: ["none"]) }
            #expect(try await registry.deleteKeys([], aliases: ["one"]).ids == [one.record.id])
            #expect(
                try await registry.deleteKeys([], aliases: [one.record.id.description]).ids == [confusing.record.id]
            )
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyThatIsNamedTwiceIsDeletedOnce(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey(alias: "k"))
            let selectors: [KeySelector] = [.id(key.record.id), .digest(key.record.digest)]

            let deletion = try await fixture.registry.deleteKeys(selectors, aliases: ["k"])

            #expect(deletion.ids == [key.record.id])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func listsGoByPagesNewestFirst(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: UserID("u")))
            var made: [KeyID] = []
            for n in 0..<7 {
                let user = n < 5 ? UserID("u") : nil
                made.append(try await registry.createKey(NewKey(alias: "k\(n)", userID: user)).record.id)
                fixture.clock.advance(by: .seconds(1))
            }

            let first = try await registry.keys(KeyFilter(), page: PageRequest(number: 1, size: 3))
            let last = try await registry.keys(KeyFilter(), page: PageRequest(number: 3, size: 3))
            let own = try await registry.keys(KeyFilter(userID: UserID("u")), page: PageRequest())

            #expect(first.records.map(\.id) == made.suffix(3).reversed())
            #expect(first.totalCount == 7 && first.pageCount == 3)
            #expect(last.records.map(\.id) == [made[0]])
            #expect(own.records.map(\.id) == made.prefix(5).reversed())
            #expect(try await registry.keys(KeyFilter(alias: "k3"), page: PageRequest()).records.map(\.id) == [made[3]])
            #expect(try await registry.keys(KeyFilter(id: made[6]), page: PageRequest()).totalCount == 1)
            #expect(try await registry.keys(KeyFilter(teamID: TeamID("x")), page: PageRequest()).pageCount == 0)
        }
    }

    @Test(arguments: [(0, 10), (-1, 10), (1_000_001, 10), (1, 0), (1, 101), (1, -1)])
    func aPageBeyondTheLimitsIsRefused(number: Int, size: Int) {
        let error = #expect(throws: RegistryError.self) { try PageRequest(number: number, size: size) }

        #expect(error?.code == .invalid)
    }
}
