import HostCore
import Testing

struct ModelTableTests {
    private let table = ModelTable([
        Samples.deployment("g1", "gemini", "vertex_ai/gemini-2.0-flash"),
        Samples.deployment("o1", "gpt", "openai/gpt-4o-mini"),
        Samples.deployment("g2", "gemini", "vertex_ai/gemini-2.0-flash"),
        Samples.deployment("g3", "gemini-eu", "vertex_ai/gemini-2.0-flash"),
    ])

    @Test(arguments: [
        ("gemini", ["g1", "g2"]), ("gpt", ["o1"]), ("g2", ["g2"]), ("vertex_ai/gemini-2.0-flash", ["g1", "g2", "g3"]),
    ])
    func aNameIsAModelAnIDOrAnUpstreamModel(name: String, ids: [String]) throws {
        let found = try table.deployments(named: name, for: .master)

        #expect(found.map(\.id.description) == ids)
    }

    @Test
    func targetsComeOnceInTheOrderNamed() throws {
        let targets = try table.targets(named: ["gpt", "g2", "gemini", "gpt"], for: .master)

        #expect(targets.map(\.id.description) == ["o1", "g2", "g1"])
    }

    @Test
    func aRestrictedKeyReachesOnlyWhatItWasGiven() throws {
        let key = Samples.principal(models: .only(["gemini"]))

        #expect(try table.deployments(named: "gemini", for: key).count == 2)
        #expect(try table.deployments(named: "g1", for: key).count == 1)
        #expect(
            try table.deployments(named: "vertex_ai/gemini-2.0-flash", for: key).map(\.id.description) == ["g1", "g2"]
        )
        #expect(table.modelNames(for: key) == ["gemini"])
        #expect(table.modelNames(for: .master) == ["gemini", "gpt", "gemini-eu"])
    }

    @Test(arguments: ["gpt", "o1", "openai/gpt-4o-mini", "no-such-model"])
    func aRestrictedKeyCannotProbeNames(name: String) {
        let key = Samples.principal(models: .only(["gemini"]))

        let error = #expect(throws: RuleError.self) { try table.targets(named: ["gemini", name], for: key) }

        #expect(error?.code == .keyModelAccessDenied)
        #expect(error?.parameter == "model")
    }

    @Test
    func anUnknownNameIsNotFound() {
        let asModel = #expect(throws: RuleError.self) { try table.deployments(named: "nope", for: .master) }
        let asTarget = #expect(throws: RuleError.self) { try table.targets(named: ["gpt", "nope"], for: .master) }

        #expect(asModel?.code == .modelNotFound)
        #expect(asModel?.parameter == "model")
        #expect(asTarget?.parameter == "target_model_names")
    }

    @Test
    func noTargetsAtAllIsABadRequest() {
        let error = #expect(throws: RuleError.self) { try table.targets(named: [], for: .master) }

        #expect(error?.code == .invalidRequest)
    }

    @Test(arguments: [[], ["all-proxy-models"], ["*"], ["gpt", "*"]])
    func theseListsAllowEverything(models: [String]) {
        #expect(ModelAllowance(models: models) == .all)
    }
}

struct TargetNamesTests {
    @Test(arguments: [
        (["a, b"], ["a", "b"]), ([" a ,,\tb\r\n,"], ["a", "b"]), (["a", "b,a", "c"], ["a", "b", "c"]), ([], []),
        ([" , "], []), (["vertex_ai/gemini-2.0-flash"], ["vertex_ai/gemini-2.0-flash"]),
        (["GPT, gpt"], ["GPT", "gpt"]), (["a b"], ["a b"]),
    ])
    func listsAndRepeatedFieldsAreRead(fields: [String], names: [String]) {
        #expect(TargetNames.parse(fields) == names)
    }
}
