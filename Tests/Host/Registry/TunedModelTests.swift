import HostCore
import HostRegistry
import Testing

struct TunedModelTests {
    private let name = "ft:gpt-4o-mini:org::abc"

    /// A job that has ended with a model.
    private func job(
        of principal: Principal,
        in fixture: RegistryFixture,
        model: String?,
        checkpoints: [String] = []
    ) async throws -> ManagedObject {
        let job = try await fixture.openBatch(principal, kind: .job)
        let settlement = ObjectSettlement(
            report: ObjectReport(status: "succeeded", document: "{}"),
            model: model,
            checkpoints: checkpoints
        )
        #expect(try await fixture.registry.settleObject(job.id, settlement))
        return job
    }

    @Test(arguments: DatabaseKind.allCases)
    func aModelIsKnownFromTheMomentItsJobHasEnded(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let registry = fixture.registry

            #expect(registry.cachedTunedModels(named: name) == nil)
            #expect(try await registry.tunedModels(named: name).isEmpty)
            #expect(registry.cachedTunedModels(named: name)?.isEmpty == true)
            let job = try await job(of: alice, in: fixture, model: name, checkpoints: [name, "\(name):ckpt-1"])

            #expect(registry.cachedTunedModels(named: name) == nil)
            let found = try await registry.tunedModels(named: name)
            #expect(found.map(\.owner) == [alice.owner])
            #expect(found.first?.deployment == job.deployment)
            #expect(found.first?.baseModelName == "gpt")
            #expect(registry.cachedTunedModels(named: name) == found)
            #expect(try await registry.tunedModels(named: "\(name):ckpt-1").count == 1)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func theListHasOnesOwnModelsAndTheTeamsWithoutCheckpoints(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            _ = try await fixture.registry.createTeam(NewTeam(id: TeamID("red")))
            let service = try await fixture.principal(
                of: try await fixture.registry.createKey(NewKey(teamID: TeamID("red")))
            )
            _ = try await job(of: alice, in: fixture, model: "own", checkpoints: ["step"])
            _ = try await job(of: alice, in: fixture, model: nil, checkpoints: ["cancelled-step"])
            _ = try await job(of: service, in: fixture, model: "team's")
            _ = try await job(of: try await fixture.principal("bob"), in: fixture, model: "bob's")
            let mate = Principal(
                keyID: alice.keyID,
                userID: alice.userID,
                teamID: nil,
                memberships: [TeamID("red")],
                role: .user,
                models: .all
            )

            #expect(try await fixture.registry.tunedModels(of: alice, limit: 9).map(\.name) == ["own"])
            #expect(try await fixture.registry.tunedModels(of: mate, limit: 9).map(\.name) == ["team's", "own"])
            #expect(try await fixture.registry.tunedModels(of: mate, limit: 1).map(\.name) == ["team's"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aModelGoesWithItsOwner(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            _ = try await job(of: alice, in: fixture, model: name)
            #expect(try await fixture.registry.tunedModels(named: name).count == 1)

            _ = try await fixture.registry.deleteUsers([UserID("alice")])
            fixture.clock.advance(by: .seconds(2))

            #expect(try await fixture.registry.tunedModels(named: name).isEmpty)
        }
    }

    @Test
    func aNameThatIsTooLongIsNotLookedFor() async throws {
        try await RegistryFixture.with(.sqlite) { fixture in
            let long = String(repeating: "x", count: TunedModel.longestName + 1)
            let job = try await job(of: try await fixture.principal("alice"), in: fixture, model: long)

            #expect(fixture.registry.cachedTunedModels(named: long)?.isEmpty == true)
            #expect(try await fixture.find(job, .master).stage == .settled)
        }
    }
}
