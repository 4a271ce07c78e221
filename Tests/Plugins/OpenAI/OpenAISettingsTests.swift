import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

struct OpenAISettingsTests {
    @Test
    func theTableTellsTheHostWhatItMayDo() throws {
        let harness = try PluginHarness<OpenAIAdapter>.standard()

        #expect(harness.flags == 0b101)
        #expect(
            try harness.describe == [
                "params": [
                    "api_key": ["kind": "secret", "env": "OPENAI_API_KEY"],
                    "api_base": ["kind": "endpoint", "env": "OPENAI_BASE_URL"],
                    "organization": ["kind": "value"],
                    "project": ["kind": "value"],
                ],
                "config": [:],
                "content_purposes": ["batch", "fine-tune", "batch_output", "fine-tune-results"],
                "lost_files": "search",
            ]
        )
        #expect(throws: Failure.self) { try harness.makeOperation(.credential) }
        #expect(throws: Failure.self) { try harness.makeOperation(.inputCreate) }
    }

    @Test
    func everyRequestCarriesTheKeysNameAndNeverAKey() throws {
        let harness = try PluginHarness<OpenAIAdapter>(
            parameters: [
                "model": "gpt-4o-mini", "api_key": ["secret": "dep-1.api_key"], "organization": "org-1",
                "project": "proj_1",
            ]
        )

        let request = try #require(try harness.start(.probe).last)

        #expect(request.url == "https://api.openai.com/v1/models")
        #expect(
            request.headers == [
                ProbeCommand.Field(name: "Authorization", value: "Bearer ", secret: "dep-1.api_key"),
                ProbeCommand.Field(name: "OpenAI-Organization", value: "org-1", secret: ""),
                ProbeCommand.Field(name: "OpenAI-Project", value: "proj_1", secret: ""),
            ]
        )
    }

    @Test(arguments: [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/models"),
        ("https://proxy.example/openai/v1/", "https://proxy.example/openai/v1/models"),
        ("HTTPS://Proxy.example/v1//", "https://Proxy.example/v1/models"), ("http://[::1]:9", "http://[::1]:9/models"),
    ])
    func aBaseIsTakenWithOrWithoutASlashAtItsEnd(base: String, url: String) throws {
        let harness = try PluginHarness<OpenAIAdapter>(parameters: ["model": "m", "api_base": .string(base)])

        #expect(try harness.start(.probe).last?.url == url)
    }

    @Test(arguments: [
        "api.openai.com/v1", "ftp://a.example/v1", "https://", "https:///v1", "http://:80/", "https://a.example/v1?x=1",
        "https://a.example/#", "https://user:secret@a.example/v1", "https://a.example/ v1",
        "https://a.example/\r\nX: 1",
        "https://ä.example", "https://a.example\\b",
    ])
    func aBaseThatIsNoURLIsRefused(base: String) {
        let failure = #expect(throws: Failure.self) {
            try PluginHarness<OpenAIAdapter>(parameters: ["model": "m", "api_base": .string(base)])
        }

        #expect(failure?.reason == .invalid)
        #expect(failure?.parameter == "api_base")
        #expect(failure?.message.contains("secret") == false)
    }

    private static let mistakes: [(JSON, String)] = [
        (JSON.null, "deployment of openai must be an object"), (["model": "m"], "OPENAI_API_KEY"),
        (["model": "m", "api_key": nil], "OPENAI_API_KEY"), (["model": "m", "api_key": "sk-plain"], "os.environ"),
        (["model": "m", "api_key": ["secret": 1]], "os.environ"),
        (["model": "m", "api_key": ["secret": "k"], "vertex_project": "p"], "`vertex_project`"),
        (["model": "m", "api_key": ["secret": "k"], "organization": 7], "`organization`"),
        (["model": "m", "api_key": ["secret": "k"], "project": "a\nb"], "`project`"),
    ]

    @Test(arguments: mistakes)
    func whatADeploymentGetsWrongIsNamed(parameters: JSON, expected: String) {
        let failure = #expect(throws: Failure.self) { try PluginHarness<OpenAIAdapter>(parameters: parameters) }

        #expect(failure?.reason == .invalid)
        #expect(failure?.message.contains(expected) == true)
        #expect(failure?.message.contains("sk-plain") == false)
    }
}

extension PluginHarness<OpenAIAdapter> {
    /// A target with an ordinary deployment's parameters.
    static func standard() throws -> PluginHarness<OpenAIAdapter> {
        try PluginHarness(parameters: ["model": "gpt-4o-mini", "api_key": ["secret": "key"]])
    }
}
