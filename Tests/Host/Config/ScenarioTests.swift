import HostConfig
import HostCore
import Testing

struct ScenarioTests {
    @Test
    func theScenarioLoadsAsWritten() throws {
        let configuration = try ConfigurationFixtures.load(ConfigurationFixtures.scenario)

        #expect(configuration.warnings.isEmpty)
        let deployments = configuration.deployments.map(\.deployment)
        #expect(
            deployments == [
                Deployment(
                    id: DeploymentID("gemini-2.0-flash~1"),
                    modelName: "gemini-2.0-flash",
                    configuredModel: "vertex_ai/gemini-2.0-flash",
                    upstreamModel: "gemini-2.0-flash",
                    plugin: "vertex-ai",
                    weight: 1,
                    timeout: .seconds(600)
                ),
                Deployment(
                    id: DeploymentID("gpt-4o-mini-openai~1"),
                    modelName: "gpt-4o-mini-openai",
                    configuredModel: "gpt-4o-mini",
                    upstreamModel: "gpt-4o-mini",
                    plugin: "openai",
                    weight: 1,
                    timeout: .seconds(600)
                ),
            ]
        )
        #expect(
            configuration.deployments.map(\.parameters) == [
                [
                    "model": .string("gemini-2.0-flash"), "vertex_project": .string("my-project-id"),
                    "vertex_location": .string("us-central1"),
                ],
                ["model": .string("gpt-4o-mini"), "api_key": .string("sk-upstream-secret")],
            ]
        )
        #expect(configuration.general.masterKey == "sk-1234")
        #expect(configuration.general.databaseURL == "postgresql://gantry:hunter2@db/gantry")
        #expect(configuration.general.fileIDFormat == .gantry)
        #expect(configuration.general.maximumFileBytes == 2_147_483_648)
        #expect(configuration.general.maximumRequestBytes == 67_108_864)
        #expect(configuration.general.drainTimeout == .seconds(30))
    }

    @Test
    func placesAreThoseOfTheFile() throws {
        let configuration = try ConfigurationFixtures.load(ConfigurationFixtures.scenario)

        let last = try #require(configuration.deployments.last)
        #expect(last.source.description == "config.yaml:4: model_list[1]")
        #expect(
            last.parameterLocations["api_key"]?.description == "config.yaml:5: model_list[1].litellm_params.api_key"
        )
        #expect(Set(last.parameterLocations.keys) == Set(last.parameters.keys))
    }

    @Test
    func limitsOfWorkersHaveDefaultsEachByItself() throws {
        let manifest = ConfigurationFixtures.openAI + "\nlimits: {step_ms: 50, workers: 3}\n"

        let configuration = try ConfigurationFixtures.load(
            ConfigurationFixtures.scenario,
            manifests: [("openai.yaml", manifest), ("vertex.yaml", ConfigurationFixtures.vertexAI)]
        )

        #expect(
            configuration.plugins.map(\.limits) == [
                PluginLimits(stepTime: .milliseconds(50), memoryInBytes: 256 << 20, workers: 3, operations: 1024),
                PluginLimits(),
            ]
        )
    }

    @Test
    func manifestsLoadAsWritten() throws {
        let plugins = try ConfigurationFixtures.load(ConfigurationFixtures.scenario).plugins

        #expect(plugins.map(\.id) == ["openai", "vertex-ai"])
        #expect(plugins.map(\.isolation) == [.process, .inProcess])
        let manifest = try #require(plugins.last)
        #expect(manifest.version == "1.0.0")
        #expect(manifest.library == "libgantry-plugin-vertex-ai.so")
        #expect(manifest.providers == ["vertex_ai", "gemini"])
        #expect(
            manifest.hosts.map(\.description) == [
                "https://*-aiplatform.googleapis.com", "https://oauth2.googleapis.com", "http://127.0.0.1:8080",
            ]
        )
        #expect(
            manifest.configuration == [
                "region": .string("eu"), "retries": .integer(3),
                "nested": .list([.map(["deep": .string("eu")])]),
            ]
        )
        #expect(manifest.secrets == ["audit": "eu", "literal": "abc"])
        #expect(manifest.sha256 == "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
        #expect(manifest.file == "plugins.d/vertex-ai.yaml")
        #expect(manifest.location.description == "plugins.d/vertex-ai.yaml:1: id")
    }

    @Test
    func theExampleLoads() throws {
        let path = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/config.example.yaml"
        let folder = try TemporaryFolder()
        try folder.write(ConfigurationFixtures.openAI, to: "openai.yaml")
        try folder.write(ConfigurationFixtures.vertexAI, to: "vertex-ai.yml")
        let more = ["REGION": "eu", "GANTRY_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        let environment = ConfigurationFixtures.environment.merging(more) { first, _ in first }

        let configuration = try ConfigurationLoader(environment: environment).load(
            configurationFile: path,
            pluginsDirectory: folder.path
        )

        #expect(configuration.warnings.isEmpty)
        #expect(
            configuration.deployments.map(\.deployment.id.description) == [
                "gemini-2.0-flash~1", "openai-main", "openai-spare",
            ]
        )
        #expect(configuration.deployments.map(\.deployment.weight) == [1, 2, 1])
        #expect(configuration.deployments.map(\.deployment.upstreamModel)[1...] == ["gpt-4o-mini", "gpt-4o-mini"])
        #expect(configuration.deployments.map(\.deployment.timeout)[1...] == [.seconds(120), .seconds(120)])
        #expect(configuration.deployments[2].parameters["api_key"] == .string("sk-upstream-secret"))
        #expect(configuration.general.webhooks?.secrets.map(\.count) == [24])
    }
}
