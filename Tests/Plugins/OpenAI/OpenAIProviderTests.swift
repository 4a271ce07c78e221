import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

/// Instances for providers that a manifest describes.
struct OpenAIProviderTests {
    private static let configuration: JSON = [
        "provider": "mistral", "base_url": "https://api.mistral.ai/v1/",
        "headers": [
            ["name": "Authorization", "value": "Bearer ", "parameter": "api_key"],
            ["name": "X-Team", "value": "team ", "secret": "team"], ["name": "X-Plain", "value": "gantry"],
        ], "api_key_env": "MISTRAL_API_KEY", "operations": ["chat", "models", "responses.create"],
    ]

    private static func harness(
        _ changes: [(String, JSON?)] = [],
        parameters: JSON = ["model": "m", "api_key": ["secret": "dep-1/api_key"]]
    ) throws -> PluginHarness<OpenAIAdapter> {
        var configuration = try #require(configuration.object)
        for (name, value) in changes { configuration[name] = value }
        return try PluginHarness(configuration: .object(configuration), parameters: parameters)
    }

    @Test
    func theBaseAndTheHeadersAreTheManifests() throws {
        let request = try #require(try Self.harness().start(.probe).last)

        #expect(request.url == "https://api.mistral.ai/v1/models")
        #expect(
            request.headers == [
                ProbeCommand.Field(name: "Authorization", value: "Bearer ", secret: "dep-1/api_key"),
                ProbeCommand.Field(name: "X-Team", value: "team ", secret: "team"),
                ProbeCommand.Field(name: "X-Plain", value: "gantry"),
            ]
        )
    }

    @Test(arguments: [
        ("https://proxy.example/x", "https://proxy.example/x/models"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/models"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1/models"),
    ])
    func aDeploymentsOwnBaseReplacesIt(base: String, url: String) throws {
        let harness = try Self.harness(
            [("quirks", ["default_path": "/v1"])],
            parameters: ["model": "m", "api_key": ["secret": "k"], "api_base": .string(base)]
        )

        #expect(try harness.start(.probe).last?.url == url)
    }

    @Test
    func withoutAKeyTheHeaderIsLeftOutWhereNoneIsNeeded() throws {
        let keyless = try Self.harness([("quirks", ["keyless": true])], parameters: ["model": "m"])
        let own = try Self.harness(parameters: ["model": "m", "api_base": "http://127.0.0.1:1/v1"])

        for harness in [keyless, own] {
            let request = try #require(try harness.start(.probe).last)
            #expect(request.headers.map(\.name) == ["X-Team", "X-Plain"])
        }
    }

    private static let key: JSON = ["secret": "k"]
    private static let deployments: [(JSON, [(String, JSON?)], String)] = [
        (["model": "m"], [], "mistral needs `api_key`: set it in the deployment or set MISTRAL_API_KEY."),
        (["model": "m"], [("api_key_env", nil)], "mistral needs `api_key`: set it in the deployment."),
        (
            ["model": "m", "api_key": "sk-plain"], [],
            "`api_key` of a deployment of mistral: it must be a text. Write one such as os.environ/MISTRAL_API_KEY."
        ),
        (
            ["model": "m", "api_key": key, "organization": "o"], [],
            "mistral has no parameter `organization`; remove it. Known are: model, api_key, api_base."
        ),
        (
            ["model": "m", "api_key": key], [("base_url", nil)],
            "`api_base` of a deployment of mistral: it is needed. Set it in the deployment: where the server is."
        ),
        (
            ["model": "m", "api_base": "http://127.0.0.1:1"],
            [("headers", [["name": "X-Key", "value": "", "parameter": "token"]])],
            "mistral needs `token`: set it in the deployment."
        ),
        (
            ["model": "m", "api_key": key], [("headers", [])],
            "mistral has no parameter `api_key`; remove it. Known are: model, api_base."
        ),
    ]

    @Test(arguments: deployments)
    func whatADeploymentGetsWrongIsNamed(parameters: JSON, changes: [(String, JSON?)], expected: String) {
        let failure = #expect(throws: Failure.self) { try Self.harness(changes, parameters: parameters) }

        #expect(failure?.reason == .invalid)
        #expect(failure?.message == expected)
    }

    private static let shape = "`headers` must be a list of {name, value, secret or parameter}."
    private static let ending = "`headers` must name one secret or one parameter for each value's end."
    private static let configurations: [(String, JSON?, String)] = [
        ("provider", nil, "`provider` must be the provider's name."),
        ("provider", "", "`provider` must be the provider's name."),
        ("base_url", "a.example", "`base_url` must be an http or https URL"), ("base_url", 7, "`base_url` must be"),
        ("headers", nil, shape), ("headers", ["a"], shape), ("headers", [["name": "X"]], shape),
        ("headers", [["name": "X\r\nY", "value": ""]], shape), ("headers", [["name": "X", "value": "a\nb"]], shape),
        ("headers", [["name": "X", "value": "", "secret": ""]], ending),
        ("headers", [["name": "X", "value": "", "secret": "a", "parameter": "b"]], ending),
        ("headers", [["name": "X", "value": "", "secrets": "a"]], "`secrets` is not known in headers; remove it."),
        ("api_key_env", 1, "`api_key_env` must be a variable's name."),
        ("operations", "chat", "`operations` must be a list of texts."),
        ("operations", [1], "`operations` must be a list of texts."),
        ("hosts", [], "`hosts` is not known in the configuration of openai; remove it."),
        ("quirks", [], "`quirks` must be an object."), ("quirks", ["x": 1], "`x` is not known in quirks; remove it."),
        ("quirks", ["keyless": "yes"], "`keyless` must be true or false."),
        ("quirks", ["default_path": "v1"], "`default_path` must be a path such as /v1"),
        ("quirks", ["chat_rename": ["a": 1]], "`chat_rename` must be an object of texts."),
        ("quirks", ["chat_drop": "a"], "`chat_drop` must be a list of texts."),
        ("quirks", ["chat_roles": ["a"]], "`chat_roles` must be an object of texts."),
        ("quirks", ["file_purposes": [1]], "`file_purposes` must be an object of texts."),
    ]

    @Test(arguments: configurations)
    func aConfigurationThatIsWrongIsRefused(member: String, value: JSON?, expected: String) {
        let failure = #expect(throws: Failure.self) { try Self.harness([(member, value)]) }

        #expect(failure?.reason == .invalid)
        #expect(failure?.message.hasPrefix(expected) == true)
    }

    @Test
    func aConfigurationThatIsNoObjectIsRefused() {
        #expect(throws: Failure.self) { try PluginHarness<OpenAIAdapter>(configuration: ["a"]) }
    }

    @Test(arguments: [
        (["responses.create"], nil as Bool?, "unstored_response"), (["responses.create"], true, "unstored_response"),
        (["responses.create", "responses.retrieve"], nil, "response"),
        (["responses.create", "responses.retrieve"], false, "unstored_response"),
    ])
    func aResponseThatCannotBeAskedForIsNotKept(operations: [String], store: Bool?, kind: String) throws {
        let harness = try Self.harness([("operations", .array(operations.map { .string($0) }))])
        let probe = try harness.start(.responses, input: ["model": "m"])

        probe.respond(200, #"{"id":"resp_1"\#(store.map { ",\"store\":\($0)" } ?? "")}"#)

        #expect(probe.commands.first { $0.kind == .remember }?.text == kind)
    }

    @Test(arguments: [#"{"id":null,"output":[]}"#, #"{"output":[]}"#])
    func aResponseThatIsNotKeptNeedsNoID(body: String) throws {
        let probe = try Self.harness().start(.responses, input: ["model": "m"])

        probe.respond(200, body)

        #expect(probe.commands.map { $0.kind } == [.http, .result])
    }

    @Test(arguments: [("user_data", "ocr"), ("messages", "ocr"), ("batch", "batch")])
    func purposesAreTheProvidersOwn(purpose: String, expected: String) throws {
        let harness = try Self.harness([("quirks", ["file_purposes": ["user_data": "ocr"]])])
        let probe = try harness.start(.fileCreate, input: ["filename": "a.pdf", "purpose": .string(purpose)])

        let form = try #require(probe.last?.bodyText(input: []))

        #expect(form.contains("name=\"purpose\"\r\n\r\n\(expected)\r\n"))
    }
}
