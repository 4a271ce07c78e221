import HostConfig
import HostCore
import Testing

struct ModelListTests {
    private func deployments(_ entries: String) throws -> [DeploymentConfiguration] {
        try ConfigurationFixtures.load("model_list:\n" + entries).deployments
    }

    @Test
    func derivedIDsNameTheModelAndThePosition() throws {
        let deployments = try deployments(
            """
            - {model_name: a/b c, litellm_params: {model: gpt, api_key: one}}
            - {model_name: a, litellm_params: {model: gpt}}
            - {model_name: a/b c, litellm_params: {model: gpt, api_key: two}, model_info: {id: mine}}
            - {model_name: a/b c, litellm_params: {model: gpt, api_key: three}}
            - {model_name: é, litellm_params: {model: gpt}}
            - {model_name: "7", litellm_params: {model: gpt}, model_info: {id: 12}}
            """
        )

        #expect(
            deployments.map(\.deployment.id.description) == [
                "a~2Fb~20c~1", "a~1", "mine", "a~2Fb~20c~3", "~C3~A9~1", "12",
            ]
        )
    }

    @Test
    func aDerivedIDDoesNotChangeWithParametersOrSecrets() throws {
        let before = try deployments("- {model_name: a, litellm_params: {model: gpt, api_key: one}}")
        let after = try deployments("- {model_name: a, litellm_params: {model: gemini/x, api_key: two, timeout: 3}}")

        #expect(before.map(\.deployment.id) == after.map(\.deployment.id))
    }

    @Test(arguments: [
        ("model: gpt", "openai", "gpt"),
        ("model: openai/gpt", "openai", "gpt"),
        ("model: openai/org/gpt", "openai", "org/gpt"),
        ("model: gemini/x", "vertex-ai", "x"),
        ("model: gemini/x, plugin: openai", "openai", "gemini/x"),
        ("model: openai/x, plugin: openai", "openai", "x"),
        ("model: x, plugin: vertex-ai", "vertex-ai", "x"),
    ])
    func thePluginIsTheNamedOneOrThatOfThePrefix(parameters: String, plugin: String, upstream: String) throws {
        let deployments = try deployments("- {model_name: a, litellm_params: {\(parameters)}}")

        let only = try #require(deployments.first)
        #expect(only.deployment.plugin == plugin)
        #expect(only.deployment.upstreamModel == upstream)
        #expect(only.parameters == ["model": .string(upstream)])
    }

    @Test
    func thePluginMayStandBesideTheParameters() throws {
        let deployments = try deployments("- {model_name: a, plugin: vertex-ai, litellm_params: {model: x}}")

        #expect(deployments.map(\.deployment.plugin) == ["vertex-ai"])
    }

    @Test(arguments: [
        ("30", Duration.seconds(30)), ("\"30\"", .seconds(30)), ("0.5", .milliseconds(500)),
        ("\"2.5\"", .milliseconds(2500)),
        ("os.environ/SECONDS", .seconds(7)),
    ])
    func timeoutsAreSeconds(text: String, expected: Duration) throws {
        let configuration = try ConfigurationFixtures.load(
            "model_list: [{model_name: a, litellm_params: {model: x, timeout: \(text)}}]",
            environment: ["SECONDS": "7", "GANTRY_MASTER_KEY": "sk-1234"]
        )

        #expect(configuration.deployments.map(\.deployment.timeout) == [expected])
    }

    @Test
    func everyOtherParameterGoesToThePluginAsWritten() throws {
        let deployments = try deployments(
            """
            - model_name: a
              litellm_params:
                model: gpt
                weight: 3
                text: "123"
                number: 123
                big: 123456789012345678901234567890
                zip: 01234
                hex: 0x1f
                ratio: 1e3
                yes: yes
                nothing:
                date: 2024-02-01
                star: "a *b"
                stars: a *b
                list: [1, {deep: os.environ/OPENAI_API_KEY}]
                tagged: !!str 5
                sexagesimal: 1:30
                infinite: .inf
              model_info: {mode: chat, base_model: os.environ/NOT_SET}
            """
        )

        let only = try #require(deployments.first)
        #expect(only.deployment.weight == 3)
        #expect(
            only.parameters == [
                "model": .string("gpt"), "text": .string("123"), "number": .integer(123),
                "big": .string("123456789012345678901234567890"), "zip": .string("01234"), "hex": .integer(31),
                "ratio": .double(1000), "yes": .bool(true), "nothing": .null, "date": .string("2024-02-01"),
                "star": .string("a *b"), "stars": .string("a *b"), "tagged": .string("5"),
                "list": .list([.integer(1), .map(["deep": .string("sk-upstream-secret")])]),
                "sexagesimal": .string("1:30"), "infinite": .string(".inf"),
            ]
        )
    }

    @Test
    func whatHasNoEffectIsWarnedAbout() throws {
        let configuration = try ConfigurationFixtures.load(
            """
            litellm_settings:
              drop_params: true
              cache_params: {host: os.environ/NOT_SET}
            router_settings: {redis_host: os.environ/NOT_SET}
            general_settings: {store_model_in_db: true}
            model_list:
              - model_name: a,b
                litellm_params: {model: gpt, rpm: 3, tpm: 4, input_cost_per_token: 0.1}
            """
        )

        #expect(
            configuration.warnings == [
                "config.yaml:2: litellm_settings.drop_params: has no effect in this version.",
                "config.yaml:3: litellm_settings.cache_params: has no effect in this version.",
                "config.yaml:4: router_settings.redis_host: has no effect in this version.",
                "config.yaml:5: general_settings.store_model_in_db: has no effect in this version.",
                "config.yaml:7: model_list[0].model_name: "
                    + "target_model_names cannot name this model: a comma separates names and outer spaces are cut.",
                "config.yaml:8: model_list[0].litellm_params.rpm: is not enforced in this version.",
                "config.yaml:8: model_list[0].litellm_params.tpm: is not enforced in this version.",
                "config.yaml:8: model_list[0].litellm_params.input_cost_per_token: is not enforced in this version.",
            ]
        )
        #expect(configuration.deployments.map(\.parameters) == [["model": .string("gpt")]])
    }
}
