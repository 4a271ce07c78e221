import HostConfig
import HostCore
import Testing

/// Inputs that are small and would become large, deep or slow.
struct YAMLLimitTests {
    private static func bomb(_ use: String) -> String {
        var text = "x0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...20 {
            let aliases = Array(repeating: "*x\(level - 1)", count: 9).joined(separator: ", ")
            text += "x\(level): &x\(level) [\(aliases)]\n"
        }
        return text + use
    }

    @Test(arguments: [
        "", "{*x20: 1}: 2", "? *x20\n: 1", "y: {*x20}", "y: {[*x20, *x20]}", "y: [? *x20 : 1]", "*x20 : 1",
    ])
    func anAliasBombIsRefused(use: String) {
        let problem = ConfigurationFixtures.problem(Self.bomb(use))

        #expect(problem?.contains("values with its aliases expanded. Use fewer aliases.") == true, "\(problem ?? "")")
    }

    @Test(arguments: ["{*x1: 1}: 2", "? [*x1]\n: 1", "y: {*x1, a}", "y: {[*x1, *x1]}", "y: [? *x1 : 1]", "*x1 : 1"])
    func anAliasInAKeyIsRefused(use: String) {
        let problem = ConfigurationFixtures.problem("x1: &x1 [a]\n" + use)

        #expect(problem?.hasSuffix("a key is an alias, a list or a mapping. Write a plain name.") == true)
    }

    @Test
    func aBombOfMergesIsRefused() {
        var text = "x0: &x0 {a: 1, b: 2}\n"
        for level in 1...30 { text += "x\(level): &x\(level) {<<: [*x\(level - 1), *x\(level - 1), *x\(level - 1)]}\n" }

        #expect(ConfigurationFixtures.problem(text)?.contains("Use fewer aliases.") == true)
    }

    @Test(arguments: [
        String(repeating: "[", count: 1_000_000), String(repeating: "{a: ", count: 100_000),
        String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
        String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        String(repeating: "- ", count: 900) + "a",
        String(repeating: "{", count: 900) + String(repeating: "}", count: 900),
    ])
    func deepNestingIsRefused(text: String) {
        let problem = ConfigurationFixtures.problem(text)

        #expect(problem?.hasPrefix("config.yaml") == true)
        #expect(problem?.contains("\n") == false)
        #expect((problem?.utf8.count ?? 0) < 1000)
    }

    @Test
    func aLargeFileIsRefused() {
        let text = "a: " + String(repeating: "b", count: 1 << 20)

        #expect(
            ConfigurationFixtures.problem(text) == "config.yaml: the file is larger than 1 MiB. Split it or shorten it."
        )
    }

    @Test
    func manyValuesAreRefused() {
        let text = "a: [" + String(repeating: "1,", count: 150_000) + "]"

        #expect(ConfigurationFixtures.problem(text)?.contains("the file has more than 100000 values") == true)
    }

    @Test
    func aliasesAndMergesOfOrdinarySizeWork() throws {
        let configuration = try ConfigurationFixtures.load(
            """
            model_list:
              - &first
                model_name: a
                litellm_params: &shared {model: gpt, api_key: &key "one", weight: 2}
              - {model_name: b, litellm_params: {<<: *shared, weight: 5}}
              - {model_name: c, litellm_params: {model: gpt, <<: [{weight: 7}, *shared], other: *key}}
              - <<: *first
                model_name: d
            """
        )

        #expect(configuration.deployments.map(\.deployment.weight) == [2, 5, 7, 2])
        #expect(
            configuration.deployments.map { $0.parameters["api_key"] } == Array(repeating: .string("one"), count: 4)
        )
        #expect(configuration.deployments[2].parameters["other"] == .string("one"))
        #expect(
            configuration.deployments[1].parameterLocations["api_key"]?.description
                == "config.yaml:4: model_list[1].litellm_params.api_key"
        )
    }

    @Test
    func anAliasMeansTheLastAnchorBeforeIt() throws {
        let configuration = try ConfigurationFixtures.load(
            """
            environment_variables: {A: &x one, B: &outer "two", C: *x, D: &x three, E: *x}
            model_list: [{model_name: a, litellm_params: {model: gpt, c: os.environ/C, e: os.environ/E}}]
            """
        )

        #expect(configuration.deployments[0].parameters["c"] == .string("one"))
        #expect(configuration.deployments[0].parameters["e"] == .string("three"))
    }

    @Test
    func aByteOrderMarkAndWindowsLinesAreAccepted() throws {
        let text = ConfigurationFixtures.scenario.split(separator: "\n").joined(separator: "\r\n")

        let configuration = try ConfigurationFixtures.load("\u{feff}" + text)

        #expect(configuration.deployments.map(\.source.line) == [2, 4])
    }
}
