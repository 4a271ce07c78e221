import Foundation
import HostConfig
import HostCore
import Testing

/// The manifests in `plugins.d`.
struct ShippedManifestTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "../../..").standardized
    private static let folder = root.appending(path: "plugins.d")

    private static func configuration(_ models: [String]) throws -> GatewayConfiguration {
        let entries = models.map { "  - {model_name: \($0), litellm_params: {model: \($0), api_key: k}}" }
        let text = (["model_list:"] + entries + ["general_settings: {master_key: sk-1234}"]).joined(separator: "\n")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        return try ConfigurationLoader(environment: [:]).load(
            configuration: .init(path: "config.yaml", bytes: Array(text.utf8)),
            manifests: try names.sorted().map { name in
                .init(path: name, bytes: Array(try Data(contentsOf: folder.appending(path: name))))
            }
        )
    }

    @Test
    func allAreReadTogetherWithoutAVariableBeingSet() throws {
        let plugins = try Self.configuration(["gpt-4o-mini"]).plugins

        #expect(plugins.count >= 15)
        #expect(plugins.allSatisfy { $0.isolation == .inProcess })
    }

    @Test
    func thoseWithALibraryListTheVariablesThatItNames() throws {
        let plugins = try Self.configuration(["gpt-4o-mini"]).plugins.filter { $0.wire == nil }
        let variables = Dictionary(plugins.map { ($0.id, $0.environment) }) { first, _ in first }

        #expect(
            variables == [
                "openai": ["OPENAI_API_KEY", "OPENAI_BASE_URL"],
                "vertex_ai": [
                    "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS", "GCS_BUCKET_NAME",
                    "STORAGE_EMULATOR_HOST", "GCE_METADATA_HOST",
                ],
            ]
        )
    }

    @Test(arguments: [
        ("mistral/m", "mistral"), ("groq/m", "groq"), ("together_ai/a/m", "together_ai"),
        ("fireworks_ai/accounts/a/models/m", "fireworks_ai"), ("deepseek/m", "deepseek"), ("xai/m", "xai"),
        ("openrouter/a/m", "openrouter"), ("hosted_vllm/a/m", "hosted_vllm"), ("ollama/m:7b", "ollama"),
        ("ollama_chat/m", "ollama"), ("llamafile/m", "llama_cpp"), ("llama_cpp/m", "llama_cpp"),
        ("lm_studio/m", "lm_studio"), ("cerebras/m", "cerebras"), ("deepinfra/a/m", "deepinfra"), ("gpt-4o", "openai"),
        ("vertex_ai/m", "vertex_ai"),
    ])
    func modelsAreFoundByTheNamesThatConfigurationsHave(model: String, plugin: String) throws {
        let deployment = try #require(try Self.configuration([model]).deployments.first?.deployment)

        #expect(deployment.plugin == plugin)
        #expect(!deployment.upstreamModel.hasPrefix(plugin))
    }

    @Test
    func whatTheyOfferCanBeServedAndIsAsked() throws {
        for manifest in try Self.configuration(["gpt-4o-mini"]).plugins {
            guard let wire = manifest.wire else { continue }

            #expect(manifest.providers.contains(manifest.id))
            #expect(wire.operations.isSuperset(of: [.chat, .models]))
            #expect(wire.secretParameters == ["api_key"])
            #expect(wire.apiKeyVariable != nil && wire.apiKeyVariable != "OPENAI_API_KEY")
            if let base = wire.baseURL {
                // What leaves this machine is encrypted.
                #expect(base.hasPrefix("https://") || base.hasPrefix("http://127.0.0.1:"))
            }
            #expect(wire.quirks.isKeyless == (wire.baseURL?.hasPrefix("https://") != true))
        }
    }

    @Test
    func theManualsExampleIsRead() throws {
        let manual = try String(contentsOf: Self.root.appending(path: "SDK/MANIFESTS.md"), encoding: .utf8)
        let blocks = manual.components(separatedBy: "```")
        let example = try #require(blocks.first { $0.hasPrefix("yaml\nid:") }).dropFirst("yaml\n".count)

        let plugins = try ConfigurationFixtures.load(
            ConfigurationFixtures.scenario,
            manifests: [
                ("a.yaml", ConfigurationFixtures.openAI), ("b.yaml", ConfigurationFixtures.vertexAI),
                ("c.yaml", String(example)),
            ],
            environment: ConfigurationFixtures.environment.merging(["ACME_TEAM": "t"]) { first, _ in first }
        ).plugins

        #expect(plugins.last?.wire?.headers.count == 3)
        for word in ProviderOperation.allCases.map(\.rawValue) {
            let part = word.firstIndex(of: ".").map { String(word[$0...]) } ?? word
            #expect(manual.contains("`\(part)`"), "\(word)")
        }
    }

    @Test
    func eachNamesWhereItsFactsAreFrom() throws {
        for manifest in try Self.configuration(["gpt-4o-mini"]).plugins where manifest.wire != nil {
            let text = try String(contentsOf: Self.folder.appending(path: manifest.file), encoding: .utf8)

            #expect(text.contains("# Source: https://"), "\(manifest.file)")
            #expect(text.contains("read 20"), "\(manifest.file)")
        }
    }
}
