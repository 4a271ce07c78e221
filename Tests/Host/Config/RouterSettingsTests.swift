import HostConfig
import HostCore
import Testing

struct RouterSettingsTests {
    private static let models = """
        model_list:
          - {model_name: a, litellm_params: {model: gpt}}
          - {model_name: b, litellm_params: {model: gpt, timeout: 7, max_parallel_requests: 3}}
        """

    private func load(_ text: String, environment: [String: String] = [:]) throws -> GatewayConfiguration {
        try ConfigurationFixtures.load(
            Self.models + "\n" + text,
            environment: environment.merging(["GANTRY_MASTER_KEY": "sk-1234"]) { first, _ in first }
        )
    }

    @Test
    func withoutSettingsEachDeploymentIsTriedOnceAndSparedAsLiteLLMDoes() throws {
        let configuration = try load("")

        #expect(configuration.routing == RoutingRules())
        #expect(configuration.routing.cooldown == CooldownRules(allowedFailures: 3, cooldown: .seconds(5)))
        #expect(configuration.routing.retry == RetryRules(retries: 0, patience: .seconds(600)))
        #expect(configuration.deployments.map(\.deployment.maximumParallel) == [nil, 3])
    }

    @Test
    func everySettingIsRead() throws {
        let configuration = try load(
            """
            router_settings:
              routing_strategy: least-busy
              num_retries: "4"
              retry_after: 0.5
              timeout: 30
              allowed_fails: 0
              cooldown_time: 60
              default_max_parallel_requests: 9
              fallbacks: [{a: [b]}, {b: [a]}]
              default_fallbacks: [a]
            """
        )

        #expect(
            configuration.routing
                == RoutingRules(
                    strategy: .leastBusy,
                    cooldown: CooldownRules(allowedFailures: 0, cooldown: .seconds(60)),
                    retry: RetryRules(
                        retries: 4,
                        shortestPause: .milliseconds(500),
                        patience: .seconds(30),
                        fallbacks: ["a": ["b"], "b": ["a"], "*": ["a"]]
                    )
                )
        )
        #expect(configuration.deployments.map(\.deployment.timeout) == [.seconds(30), .seconds(7)])
        #expect(configuration.deployments.map(\.deployment.maximumParallel) == [9, 3])
        #expect(configuration.warnings.isEmpty)
    }

    @Test
    func whatStandsInLiteLLMSettingsIsReadUnlessTheRouterSaysOtherwise() throws {
        let configuration = try load(
            """
            litellm_settings:
              {num_retries: 2, request_timeout: 20, allowed_fails: 1, cooldown_time: 3, fallbacks: [{a: [b]}]}
            router_settings: {num_retries: 1, retry_after: 0}
            """
        )

        #expect(configuration.routing.cooldown == CooldownRules(allowedFailures: 1, cooldown: .seconds(3)))
        #expect(configuration.routing.retry.retries == 1)
        #expect(configuration.routing.retry.patience == .seconds(20))
        #expect(configuration.routing.retry.fallbacks == ["a": ["b"]])
        #expect(configuration.warnings.isEmpty)
    }

    @Test(arguments: ["{cooldown_time: 0}", "{disable_cooldowns: true}", "{disable_cooldowns: true, allowed_fails: 1}"])
    func cooldownsCanBeSwitchedOff(settings: String) throws {
        #expect(try load("router_settings: \(settings)").routing.cooldown == .none)
    }

    @Test(arguments: [
        (
            "{routing_strategy: latency-based-routing}",
            "routing_strategy: must be simple-shuffle or least-busy, not \"latency-based-routing\"."
        ),
        ("{num_retries: 11}", "num_retries: must be a whole number from 0 to 10, not 11."),
        ("{num_retries: -1}", "num_retries: must be a whole number from 0 to 10, not -1."),
        ("{allowed_fails: x}", "allowed_fails: must be a whole number from 0 to 1000000, not \"x\"."),
        (
            "{cooldown_time: -1}", "cooldown_time: must be a number of seconds, 0 or more and at most 3600, not -1."
        ),
        ("{retry_after: 61}", "retry_after: must be a number of seconds, 0 or more and at most 60, not 61."),
        ("{timeout: 0}", "timeout: must be a number of seconds, more than 0 and at most 86400, not 0."),
        ("{fallbacks: {a: [b]}}", "fallbacks: must be a list, not a mapping."),
        ("{fallbacks: [a]}", "fallbacks[0]: must be a mapping, not a string."),
        ("{fallbacks: [{a: b}]}", "fallbacks[0].a: must be a list, not a string."),
        ("{fallbacks: [{a: [1]}]}", "fallbacks[0].a[0]: must be a string, not a number. Put it in quotes."),
        (
            "{fallbacks: [{a: [c]}]}",
            "fallbacks[0].a[0]: no entry of model_list has the model_name \"c\"."
        ),
        ("{fallbacks: [{c: [a]}]}", "fallbacks[0].c: no entry of model_list has the model_name \"c\"."),
        (
            "{fallbacks: [{a: [b]}, {a: [b]}]}",
            "fallbacks[1].a: the fallbacks of this model stand in another place, too. Keep one list."
        ),
        (
            "{fallbacks: [{a: [b, b, b, b, b, b]}]}",
            "fallbacks[0].a: more than 5 models are not tried for one request. Remove some."
        ),
        (
            "{default_max_parallel_requests: 0}",
            "default_max_parallel_requests: must be a whole number from 1 to 1000000, not 0."
        ),
    ])
    func whatIsWrongIsToldWithItsPlace(settings: String, expected: String) {
        let problem = ConfigurationFixtures.problem(Self.models + "\nrouter_settings: \(settings)")

        #expect(problem?.hasPrefix("config.yaml:4: router_settings.\(expected)") == true, "\(problem ?? "it loads")")
    }

    @Test
    func theLimitOfADeploymentIsAWholeNumber() {
        let text = "model_list: [{model_name: a, litellm_params: {model: gpt, max_parallel_requests: 0}}]"

        #expect(
            ConfigurationFixtures.problem(text)
                == "config.yaml:1: model_list[0].litellm_params.max_parallel_requests: "
                + "must be a whole number from 1 to 1000000, not 0."
        )
    }

    // MARK: The network

    @Test
    func proxiesComeFromTheEnvironmentLowerCaseFirst() throws {
        let network = try load(
            "",
            environment: [
                "https_proxy": "http://lower", "HTTPS_PROXY": "http://upper", "HTTP_PROXY": "http://plain",
                "NO_PROXY": "a,b", "ALL_PROXY": "http://all",
            ]
        ).network

        #expect(network.httpsProxy?.text == "http://lower")
        #expect(network.httpsProxy?.location.description == "environment: https_proxy")
        #expect(network.httpProxy?.text == "http://plain")
        #expect(network.proxyExceptions == "a,b")
        #expect(try load("", environment: ["ALL_PROXY": "http://all"]).network.httpsProxy?.text == "http://all")
        #expect(try load("").network == NetworkSettings())
    }

    @Test
    func authoritiesComeFromLiteLLMsKeyElseFromTheEnvironment() throws {
        let environment = ["SSL_CERT_FILE": "/env.pem"]
        let stated = try load("litellm_settings: {ssl_verify: /own.pem}", environment: environment).network

        #expect(stated.trustRoots?.text == "/own.pem")
        #expect(stated.trustRoots?.location.description == "config.yaml:4: litellm_settings.ssl_verify")
        #expect(try load("", environment: environment).network.trustRoots?.text == "/env.pem")
        let isTrue = try load("litellm_settings: {ssl_verify: true}", environment: environment).network
        #expect(isTrue.trustRoots?.text == "/env.pem")
    }

    @Test
    func certificatesAreAlwaysVerified() {
        #expect(
            ConfigurationFixtures.problem(Self.models + "\nlitellm_settings: {ssl_verify: false}")
                == "config.yaml:4: litellm_settings.ssl_verify: certificates are always verified. "
                + "Name a PEM file of the authorities to trust, or remove the key."
        )
    }
}
