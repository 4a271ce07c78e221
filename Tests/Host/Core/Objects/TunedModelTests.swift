import HostCore
import Testing

struct TunedModelTests {
    private static let table = ModelTable([
        Samples.deployment("o1", "gpt", "openai/gpt-4o-mini"),
        Samples.deployment("o2", "gpt", "openai/gpt-4o-mini"),
    ])
    private static let alice = Samples.principal(user: "alice")
    private static let model = TunedModel(
        name: "ft:gpt",
        owner: alice.owner,
        teamID: TeamID("red"),
        deployment: DeploymentID("o2"),
        baseModelName: "gpt",
        createdAt: Samples.now
    )

    @Test
    func aTunedModelIsUsedWhereItWasMadeUnderItsOwnName() throws {
        let found = Self.table.deployments(of: [Self.model, Self.model], for: Self.alice)

        #expect(found.map(\.id.description) == ["o2"])
        #expect(found.first?.upstreamModel == "ft:gpt")
        #expect(found.first?.modelName == "gpt")
    }

    @Test(arguments: [
        (Samples.principal(user: "alice", models: .only(["gpt"])), true),
        (Samples.principal(user: "alice", models: .only(["gemini"])), false),
        (Samples.principal(user: "bob"), false), (Samples.principal(user: "bob", memberships: ["red"]), true),
        (Samples.principal(user: "ada", role: .admin), true), (Samples.principal(user: "vic", role: .viewer), false),
    ])
    func onlyItsOwnersTheirTeamsAndAdminsUseIt(principal: Principal, mayUse: Bool) {
        #expect(Self.table.deployments(of: [Self.model], for: principal).isEmpty == !mayUse)
    }

    @Test
    func targetsMayBeTunedModels() throws {
        let tuned = Self.table.deployments(of: [Self.model], for: Self.alice)

        let targets = try Self.table.targets(named: ["ft:gpt", "gpt"], for: Self.alice, tuned: ["ft:gpt": tuned])

        #expect(targets.map(\.id.description) == ["o2", "o1"])
        #expect(throws: RuleError.self) {
            try Self.table.targets(named: ["ft:gpt"], for: Self.alice)
        }
    }
}
