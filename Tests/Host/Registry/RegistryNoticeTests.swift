import HostCore
import HostDatabase
import Testing

@testable import HostRegistry

struct RegistryNoticeTests {
    @Test
    func aNoticeIsReadAsItWasWritten() {
        let notice = RegistryNotice.key(KeyDigest(of: "abc"))

        #expect(notice.text == "key:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(RegistryNotice(notice.text) == notice)
        #expect(RegistryNotice.keys.text == "keys")
        #expect(RegistryNotice("keys") == .keys)
    }

    @Test(arguments: [
        "", "key:", "keys:", "key:00", "file:" + String(repeating: "0", count: 64),
        "key:" + String(repeating: "0", count: 63), "key:" + String(repeating: "0", count: 65),
        "key:" + String(repeating: "A", count: 64), "key:" + String(repeating: "g", count: 64),
    ])
    func anyOtherTextIsNoNotice(text: String) {
        #expect(RegistryNotice(text) == nil)
    }

    @Test
    func anEmptiedCacheHoldsNothingAndKeepsOutWhatIsBeingRead() {
        let cache = AgedCache<Int, Int>(capacity: 4, maximumAge: .seconds(1), clock: SettableClock())
        for n in 0..<4 { cache.insert([(n, n)], readWith: cache.ticket()) }
        let ticket = cache.ticket()

        cache.removeAll()
        cache.insert([(9, 9)], readWith: ticket)

        #expect(cache.count == 0)
        #expect(cache.value(for: 3) == nil)
    }

    @Test(arguments: DatabaseKind.allCases)
    func everyChangeIsToldInItsTransaction(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let database = PublishingDatabase(fixture.database)
            let registry = try await Registry(database: database, clock: fixture.clock, monotonicClock: fixture.clock)
            let team = TeamID("t")
            let user = UserID("u")
            try await registry.createTeam(NewTeam(id: team))
            try await registry.createUser(NewUser(id: user))
            let key = try await registry.createKey(NewKey(userID: user))
            let ofTeam = try await registry.createKey(NewKey(userID: user, teamID: team))
            let one = RegistryNotice.key(key.record.digest).text
            _ = database.takeNotices()

            try await registry.updateKey(.id(key.record.id), KeyChange(isBlocked: true))
            #expect(Set(database.takeNotices()) == [one])
            let anew = try await registry.regenerateKey(.id(key.record.id))
            #expect(Set(database.takeNotices()) == [one, RegistryNotice.key(anew.record.digest).text])
            try await registry.deleteKeys([.id(key.record.id), .id(ofTeam.record.id)])
            #expect(database.takeNotices().count == 2)

            try await registry.updateUser(user, UserChange(role: .viewer))
            #expect(database.takeNotices() == ["keys"])
            try await registry.updateTeam(team, TeamChange(isBlocked: true))
            #expect(database.takeNotices() == ["keys"])
            try await registry.removeMember(user, from: team)
            #expect(database.takeNotices() == ["keys"])
            try await registry.addMembers([TeamMember(userID: user)], to: team)
            #expect(database.takeNotices() == ["keys"])
            try await registry.deleteTeams([team])
            #expect(database.takeNotices() == ["keys"])
            try await registry.deleteUsers([user])
            #expect(database.takeNotices() == ["keys"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatIsRefusedIsNotTold(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let database = PublishingDatabase(fixture.database)
            let registry = try await Registry(database: database, clock: fixture.clock, monotonicClock: fixture.clock)
            let key = try await registry.createKey(NewKey())
            _ = database.takeNotices()

            try await expectRefusal(.notFound) {
                try await registry.deleteKeys([.id(key.record.id), .id(KeyID("missing"))])
            }

            #expect(database.takeNotices().isEmpty)
            #expect(try await registry.keyRecord(for: .id(key.record.id)).id == key.record.id)
        }
    }
}
