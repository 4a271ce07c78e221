import HostCore
import HostRegistry
import Testing

struct ResponseTests {
    private func origin(_ principal: Principal, at deployment: String = "a") -> ManagedObject.Origin {
        ManagedObject.Origin(
            id: ObjectID(.response, uuid: .random()),
            owner: principal.owner,
            teamID: principal.teamID,
            deployment: DeploymentID(deployment),
            modelName: "gpt"
        )
    }

    private func keep(_ origin: ManagedObject.Origin, _ providerID: String, _ fixture: RegistryFixture) async throws {
        let expiry = fixture.clock.now().advanced(bySeconds: 1000)
        try await fixture.registry.keepResponse(origin, providerID: providerID, expiresAt: expiry)
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeptResponseIsItsOwnersUntilItExpires(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let (alice, bob) = (try await fixture.principal("alice"), try await fixture.principal("bob"))
            let made = origin(alice)
            try await keep(made, "resp_p", fixture)
            let named = RequestedObject(id: made.id, clientID: "resp_x")

            let found = try await fixture.registry.object(named, for: alice, action: .delete)

            #expect(found.origin == made)
            #expect(found.providerID == "resp_p")
            try await expectBrokenRule(.responseAccessDenied) {
                _ = try await fixture.registry.object(named, for: bob, action: .read)
            }
            fixture.clock.advance(by: .seconds(1001))
            try await fixture.registry.dropOldRecords()
            try await expectBrokenRule(.responseNotFound) {
                _ = try await fixture.registry.object(named, for: alice, action: .read)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whoeverIsDeletedLeavesNoResponse(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let (before, after) = (origin(alice), origin(alice))
            try await keep(before, "resp_1", fixture)

            _ = try await fixture.registry.deleteUsers([UserID("alice")])

            try await expectRefusal(.conflict) { try await keep(after, "resp_2", fixture) }
            let claimed = try await fixture.registry.claimObjects(.response, limit: 10)
            #expect(claimed.map(\.id) == [before.id])
            #expect(claimed.map(\.providerID) == ["resp_1"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aProvidersIDsAreNamesOfWhatThePrincipalMayRead(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let (alice, bob) = (try await fixture.principal("alice"), try await fixture.principal("bob"))
            let (mine, elsewhere, bobs) = (origin(alice), origin(alice, at: "b"), origin(bob))
            for (origin, id) in [(mine, "resp_1"), (elsewhere, "resp_2"), (bobs, "resp_3")] {
                try await keep(origin, id, fixture)
            }
            let file = try await fixture.begin(alice, at: ["a", "b"])
            for (deployment, id) in [("a", "file-1"), ("b", "file-2")] {
                let there = DeploymentID(deployment)
                try await fixture.registry.complete(file.id, at: there, providerID: id, expiresAt: nil)
            }
            let ids: Set = ["resp_1", "resp_2", "resp_3", "file-1", "file-2", "nothing"]
            let there = DeploymentID("a")

            let hidden = try await fixture.registry.names(of: ids, at: there, for: alice)
            _ = try await fixture.registry.commitFile(file.id)
            let own = try await fixture.registry.names(of: ids, at: there, for: alice)
            let others = try await fixture.registry.names(of: ids, at: there, for: bob)
            let none = try await fixture.registry.names(of: [], at: there, for: alice)

            #expect(hidden.files.isEmpty)
            #expect(own.responses.mapValues(\.id) == ["resp_1": mine.id])
            #expect(own.files.mapValues(\.id) == ["file-1": file.id])
            #expect(others.responses.mapValues(\.id) == ["resp_3": bobs.id])
            #expect(others.files.isEmpty)
            #expect(none.files.isEmpty && none.responses.isEmpty)
        }
    }
}
