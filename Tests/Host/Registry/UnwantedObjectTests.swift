import HostCore
import HostRegistry
import Testing

struct UnwantedObjectTests {
    @Test(arguments: DatabaseKind.allCases)
    func whatADeadWorkerWasMakingIsClaimedByOneOther(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.enlist(fixture.registry, as: "one")
            let hidden = try await fixture.hiddenFile(.master)
            let batch = try await fixture.beginBatch(.master, derived: hidden.id)
            _ = try await fixture.openBatch(.master)
            let other = try await fixture.otherHost()
            try await fixture.enlist(other, as: "two")
            #expect(try await fixture.registry.claimObjects(.batch, limit: 10).isEmpty)
            #expect(try await other.claimObjects(.batch, limit: 10).isEmpty)

            let next = try await fixture.otherHost()
            try await next.enlist(host: "one")
            let claimed = try await next.claimObjects(.batch, limit: 10)

            #expect(claimed.map(\.id) == [batch.id])
            #expect(claimed.map(\.stage) == [.gone])
            #expect(try await next.claimObjects(.batch, limit: 10).isEmpty)
            try await next.postponeObject(try #require(claimed.first))
            #expect(try await next.claimObjects(.batch, limit: 10).isEmpty)
            fixture.clock.advance(by: .seconds(5))
            #expect(try await next.claimObjects(.batch, limit: 10).map(\.id) == [batch.id])
            try await next.dropObject(batch.id)
            #expect(try await next.claimObjects(.batch, limit: 10).isEmpty)
            #expect(try await next.claimFiles(limit: 10).map(\.id) == [hidden.id])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whoMakesAnObjectThatIsNotWantedAnyMoreIsToldSoAndItsIDIsKept(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let batch = try await fixture.beginBatch(alice)
            _ = try await fixture.registry.deleteUsers([UserID("alice")])

            try await expectRefusal(.notFound) { try await fixture.registry.remember(batch.id, providerID: "p") }
            try await expectRefusal(.conflict) {
                let report = ObjectReport(status: "x", document: "{}")
                _ = try await fixture.registry.openObject(batch.id, report, due: nil)
            }

            try await fixture.registry.abandonObject(batch.id)
            #expect(try await fixture.registry.claimObjects(.batch, limit: 10).map(\.providerID) == ["p"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletedUsersObjectsAreUndoneAndThoseOfATeamStay(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            _ = try await fixture.registry.createTeam(NewTeam(id: TeamID("red")))
            let inTeam = Principal(
                keyID: alice.keyID,
                userID: alice.userID,
                teamID: TeamID("red"),
                role: .user,
                models: .all
            )
            let open = try await fixture.openBatch(alice)
            let settled = try await fixture.openBatch(alice)
            _ = try await fixture.registry.settleObject(settled.id, fixture.settlement(settled))
            let ofTeam = try await fixture.openBatch(inTeam)

            _ = try await fixture.registry.deleteUsers([UserID("alice")])

            try await expectBrokenRule(.batchNotFound) { _ = try await fixture.find(open, .master) }
            try await expectBrokenRule(.batchNotFound) { _ = try await fixture.find(settled, .master) }
            #expect(try await fixture.find(ofTeam, .master).owner == .team(TeamID("red")))
            let unwanted = try await fixture.registry.claimObjects(.batch, limit: 10)
            #expect(unwanted.map(\.id) == [open.id])
            #expect(try await fixture.registry.claimFiles(limit: 10).map(\.id) == [settled.origin.outputID])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func onlyIDsWithoutARecordAreUnrecorded(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let batch = try await fixture.openBatch(.master)
            let known = try #require(batch.providerID)

            #expect(try await fixture.registry.unrecorded(.batch, among: [known, "x"]) == ["x"])
            #expect(try await fixture.registry.unrecorded(.job, among: [known]) == [known])
        }
    }
}
