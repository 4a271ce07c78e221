import HostConfig
import HostCore
import Testing

/// What is read of a manifest without a library.
struct WireManifestTests {
    private static let mistral = """
        id: mistral
        version: "1.0.0"
        wire: openai
        providers: [mistral]
        base_url: https://api.mistral.ai/v1
        headers:
          Authorization: "Bearer {api_key}"
          X-Team: "{team}"
          X-Own: "id {account.key}"
          X-Plain: gantry
        secrets: {team: hunter-22}
        api_key_env: MISTRAL_API_KEY
        api_base_env: MISTRAL_API_BASE
        operations: [chat, models, files, responses.create]
        quirks:
          keyless: true
          default_path: /v1
          chat_rename: {max_completion_tokens: max_tokens}
          chat_drop: [store]
          chat_roles: {developer: system}
          file_purposes: {user_data: ocr}
          content_purposes: ["*"]
        """

    private static func manifest(_ text: String) throws -> PluginManifest {
        let configuration = try ConfigurationFixtures.load(
            ConfigurationFixtures.scenario,
            manifests: [
                ("a.yaml", ConfigurationFixtures.openAI), ("b.yaml", ConfigurationFixtures.vertexAI), ("c.yaml", text),
            ]
        )
        return try #require(configuration.plugins.last)
    }

    @Test
    func everythingThatItSaysIsRead() throws {
        let manifest = try Self.manifest(Self.mistral)
        let wire = try #require(manifest.wire)

        #expect(manifest.library == "libgantry-plugin-openai.so")
        #expect(manifest.isolation == .inProcess)
        #expect(manifest.hosts.map(\.description) == ["https://api.mistral.ai"])
        #expect(wire.baseURL == "https://api.mistral.ai/v1")
        #expect(wire.apiKeyVariable == "MISTRAL_API_KEY")
        #expect(wire.apiBaseVariable == "MISTRAL_API_BASE")
        #expect(wire.headers.map(\.name) == ["Authorization", "X-Team", "X-Own", "X-Plain"])
        #expect(wire.headers.map(\.value) == ["Bearer ", "", "id ", "gantry"])
        #expect(
            wire.headers.map(\.secret)
                == [.parameter("api_key"), .manifest("team"), .parameter("account.key"), nil]
        )
        #expect(wire.secretParameters == ["account.key", "api_key"])
        #expect(
            wire.operations == [
                .chat, .models, .filesCreate, .filesRetrieve, .filesDelete, .filesList, .filesContent, .responsesCreate,
            ]
        )
        #expect(wire.quirks.isKeyless)
        #expect(wire.quirks.contentPurposes == ["*"])
    }

    @Test
    func whatTheAdapterIsToldHoldsNoSecret() throws {
        let manifest = try Self.manifest(Self.mistral)

        #expect(
            manifest.configuration == [
                "provider": .string("mistral"),
                "base_url": .string("https://api.mistral.ai/v1"),
                "headers": .list([
                    .map([
                        "name": .string("Authorization"), "value": .string("Bearer "),
                        "parameter": .string("api_key"),
                    ]),
                    .map(["name": .string("X-Team"), "value": .string(""), "secret": .string("team")]),
                    .map(["name": .string("X-Own"), "value": .string("id "), "parameter": .string("account.key")]),
                    .map(["name": .string("X-Plain"), "value": .string("gantry")]),
                ]),
                "api_key_env": .string("MISTRAL_API_KEY"),
                "operations": .list(
                    [
                        "chat", "files.content", "files.create", "files.delete", "files.list", "files.retrieve",
                        "models", "responses.create",
                    ].map { .string($0) }
                ),
                "quirks": .map([
                    "keyless": .bool(true), "default_path": .string("/v1"),
                    "chat_rename": .map(["max_completion_tokens": .string("max_tokens")]),
                    "chat_drop": .list([.string("store")]), "chat_roles": .map(["developer": .string("system")]),
                    "file_purposes": .map(["user_data": .string("ocr")]),
                ]),
            ]
        )
    }

    @Test
    func theLeastThatItCanSayIsEnough() throws {
        let manifest = try Self.manifest("id: x\nversion: \"1\"\nwire: openai\noperations: [chat]")

        #expect(manifest.wire?.headers.map(\.name) == ["Authorization"])
        #expect(manifest.wire?.headers.map(\.secret) == [.parameter("api_key")])
        #expect(manifest.wire?.baseURL == nil)
        #expect(manifest.hosts.isEmpty)
        #expect(manifest.configuration["quirks"] == nil)
    }

    @Test
    func hostsMayBeMoreThanTheBaseURLs() throws {
        let text = """
            id: x
            version: "1"
            wire: openai
            base_url: http://127.0.0.1:8080/openai/v1
            hosts: [http://127.0.0.1:8080, files.example.com]
            operations: [chat]
            isolation: process
            """

        let manifest = try Self.manifest(text)

        #expect(manifest.hosts.map(\.description) == ["http://127.0.0.1:8080", "https://files.example.com"])
        #expect(manifest.isolation == .process)
    }

    @Test(arguments: ProviderOperation.words)
    func everyWordStandsForSomething(word: String) {
        let named = ProviderOperation.named(word)

        #expect(!named.isEmpty)
        #expect(named.allSatisfy { $0.rawValue == word || $0.rawValue.hasPrefix(word + ".") })
    }

    @Test
    func aWholeAreaHasAllThatItsPartsNeed() {
        #expect(ProviderOperation.named("files").count == 5)
        #expect(ProviderOperation.named("file").isEmpty)
        #expect(ProviderOperation.named("files.").isEmpty)
        #expect(ProviderOperation.named("").isEmpty)
        for operation in ProviderOperation.allCases {
            #expect(operation.needed.allSatisfy { $0 != operation })
        }
    }
}
