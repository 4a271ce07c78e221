import Foundation
import HostCore
import HostUpstream
import Testing

@testable import HostPlugins

struct ParameterBinderTests {
    private static let description = """
        {"params": {
          "api_key": {"kind": "secret", "env": "SAMPLE_KEY"},
          "api_base": {"kind": "endpoint", "env": "SAMPLE_BASE"},
          "region": {"kind": "value"},
          "credentials": {"kind": "credentials", "members": ["private_key", "absent"], "endpoints": ["token_uri"]},
          "own_token": {"kind": "value"},
          "own_secret": {"kind": "endpoint"}
        }}
        """
    private static let document = #"{"private_key": "PRIVATE-KEY", "token_uri": "https://sts.example.com/t", "n": 1}"#

    private struct Bound {
        let json: [String: ConfigurationValue]
        let endpoints: [String]
        let secrets: SecretStore
        let unlisted: Set<String>
    }

    private func bind(
        _ parameters: [String: ConfigurationValue],
        environment: [String: String] = [:],
        listed: Set<String>? = nil,
        guardsSecrets: Bool = false
    ) throws -> Bound {
        let description = try Array(Self.description.utf8).withUnsafeBytes { bytes in
            try PluginDescription(json: bytes, library: "test")
        }
        let secrets = SecretStore([:])
        var binder = ParameterBinder(
            rules: description.parameters,
            secrets: secrets,
            environment: environment,
            listedVariables: listed,
            guardsSecrets: guardsSecrets,
            scope: .deployment("d1"),
            location: "config.yaml:7"
        )
        let json = try JSONDecoder().decode(ConfigurationValue.self, from: Data(try binder.bind(parameters)))
        let members: [String: ConfigurationValue] = if case .map(let members) = json { members } else { [:] }
        return Bound(
            json: members,
            endpoints: binder.endpoints.map(\.description).sorted(),
            secrets: secrets,
            unlisted: binder.unlistedVariables
        )
    }

    private func message(_ parameters: [String: ConfigurationValue]) throws -> String {
        let error = try #require(throws: PluginError.self) { try bind(parameters) }
        #expect(error.code == .configurationRefused)
        #expect(error.message.hasPrefix("config.yaml:7: "))
        return error.message
    }

    private func named(_ name: String) -> ConfigurationValue { .map(["secret": .string(name)]) }

    @Test
    func secretsBecomeNamesAndEverythingElsePasses() throws {
        let bound = try bind(["api_key": .string("sk-1"), "region": .string("eu"), "other": .list([.integer(1)])])

        #expect(
            bound.json == [
                "api_key": named("d1/api_key"), "region": .string("eu"), "other": .list([.integer(1)]),
            ]
        )
        #expect(bound.secrets.value("d1/api_key", deployment: "d1") == "sk-1")
    }

    @Test
    func theEnvironmentFillsWhatIsAbsent() throws {
        let environment = ["SAMPLE_KEY": "sk-env", "SAMPLE_BASE": ""]

        let filled = try bind(["api_key": .null], environment: environment)
        #expect(filled.json == ["api_key": named("d1/api_key")])
        #expect(filled.secrets.value("d1/api_key", deployment: "d1") == "sk-env")
        let given = try bind(["api_key": .string("sk-own")], environment: environment)
        #expect(given.secrets.value("d1/api_key", deployment: "d1") == "sk-own")
        #expect(try bind([:]).json == [:])
    }

    @Test
    func aVariableThatIsNotListedIsAbsent() throws {
        let environment = ["SAMPLE_KEY": "sk-env", "SAMPLE_BASE": "https://a.example.com", "OTHER": "o"]

        let some = try bind([:], environment: environment, listed: ["SAMPLE_BASE", "OTHER"])
        #expect(some.json == ["api_base": .string("https://a.example.com")])
        #expect(some.unlisted == ["SAMPLE_KEY"])
        let none = try bind([:], environment: environment, listed: [])
        #expect(none.json == [:] && none.endpoints == [])
        #expect(none.unlisted == ["SAMPLE_KEY", "SAMPLE_BASE"])
        #expect(try bind([:], environment: ["SAMPLE_KEY": ""], listed: []).unlisted == [])
        #expect(try bind(["api_key": .string("k")], environment: ["SAMPLE_KEY": "s"], listed: []).unlisted == [])
    }

    @Test
    func whatLooksLikeASecretIsOneWhateverThePluginSays() throws {
        let parameters: [String: ConfigurationValue] = [
            "own_token": .string("t-1"), "own_secret": .string("t-2"), "azure_ad_token": .string("t-3"),
            "extra_headers": .map(["X-Key": .list([.string("t-4")])]), "max_tokens": .integer(5),
            "region": .string("eu"), "other": .string("o"), "password": .string(""),
        ]
        let bound = try bind(parameters, guardsSecrets: true)

        #expect(
            bound.json == [
                "own_token": named("d1/own_token"), "own_secret": named("d1/own_secret"),
                "azure_ad_token": named("d1/azure_ad_token"),
                "extra_headers": .map(["X-Key": .list([named("d1/extra_headers.X-Key[0]")])]),
                "max_tokens": .integer(5), "region": .string("eu"), "other": .string("o"), "password": .string(""),
            ]
        )
        #expect(bound.endpoints == [])
        #expect(bound.secrets.value("d1/own_token", deployment: "d1") == "t-1")
        #expect(try bind(["own_token": .string("t-1")]).json == ["own_token": .string("t-1")])
        let url = try bind(["own_secret": .string("https://a.example.com/x")], guardsSecrets: true)
        #expect(url.endpoints == ["https://a.example.com"])
    }

    @Test
    func secretsOfCredentialsThatThePluginDoesNotNameAreSecretsToo() throws {
        let document = #"{"client_secret": "C", "project_id": "p", "token_uri": "https://sts.example.com/t"}"#
        let bound = try bind(["credentials": .string(document)], guardsSecrets: true)
        let expected: ConfigurationValue = .map([
            "client_secret": named("d1/credentials.client_secret"), "project_id": .string("p"),
            "token_uri": .string("https://sts.example.com/t"),
        ])

        #expect(bound.json == ["credentials": expected])
        #expect(bound.endpoints == ["https://sts.example.com"])
    }

    @Test(arguments: [
        ConfigurationValue.string(""), .integer(5), .list([]), .string("a\u{0}b"), .string("a\u{1b}b"),
    ])
    func whatCannotBeASecretIsRefused(value: ConfigurationValue) throws {
        #expect(try message(["api_key": value]).contains("api_key"))
    }

    @Test
    func endpointsAreTheOperatorsReach() throws {
        #expect(try bind(["api_base": .string("https://Example.com/v1")]).endpoints == ["https://example.com"])
        #expect(try bind(["api_base": .string("127.0.0.1:8080")]).endpoints == ["http://127.0.0.1:8080"])
        for value in [ConfigurationValue.string("ftp://a"), .string("http://"), .string("a b"), .integer(1)] {
            #expect(try message(["api_base": value]).contains("api_base"))
        }
    }

    @Test
    func credentialsMayBeAMappingJSONTextOrAFile() throws {
        let library = try CompiledLibrary()
        try library.write("key.json", Data(Self.document.utf8))
        let inline = ConfigurationValue.map([
            "private_key": .string("PRIVATE-KEY"), "token_uri": .string("https://sts.example.com/t"), "n": .integer(1),
        ])
        let texts = [Self.document, "\n " + Self.document, library.path("key.json")]
        for value in [inline] + texts.map(ConfigurationValue.string) {
            let bound = try bind(["credentials": value])
            let expected: ConfigurationValue = .map([
                "private_key": named("d1/credentials.private_key"), "token_uri": .string("https://sts.example.com/t"),
                "n": .integer(1),
            ])

            #expect(bound.json == ["credentials": expected])
            #expect(bound.endpoints == ["https://sts.example.com"])
            #expect(bound.secrets.value("d1/credentials.private_key", deployment: "d1") == "PRIVATE-KEY")
        }
        try library.remove()
    }

    @Test
    func brokenCredentialsAreRefusedWithoutBeingShown() throws {
        let secret = "cHJpdmF0ZS1rZXk-c2VjcmV0"
        for value in [
            "{\"private_key\": \"\(secret)\"", secret, "-----BEGIN \(secret)", "[\"\(secret)\"]",
            "{\"private_key\": [\"\(secret)\"]}", "{\"private_key\": \"a\", \"token_uri\": \"ftp://\(secret)\"}",
        ] {
            let message = try message(["credentials": .string(value)])
            #expect(message.contains("credentials"))
            #expect(!message.contains(secret))
        }
        for value in [ConfigurationValue.integer(5), .list([]), .bool(true)] {
            #expect(try message(["credentials": value]).contains("credentials is not a JSON object"))
        }
    }

    @Test
    func filesThatAreNoCredentialsAreRefused() throws {
        let library = try CompiledLibrary()
        try library.write("list.json", Data("[]".utf8))
        try library.write("broken.json", Data([0xff, 0xfe]))
        try library.write("large.json", Data(repeating: 0x20, count: 64 * 1024 + 1))

        #expect(try message(["credentials": .string(library.path("list.json"))]).contains("is not a JSON object"))
        #expect(try message(["credentials": .string(library.path("broken.json"))]).contains("neither a JSON document"))
        #expect(try message(["credentials": .string(library.path("large.json"))]).contains("at most 64 KiB"))
        #expect(try message(["credentials": .string(library.path("missing"))]).contains(library.path("missing")))
        // Neither of these ever ends.
        #expect(try message(["credentials": .string("/dev/zero")]).contains("/dev/zero cannot be read"))
        #expect(try message(["credentials": .string(library.folder)]).contains("cannot be read"))
        try library.remove()
    }

    @Test
    func numbersThatJSONDoesNotHaveAreRefused() throws {
        #expect(try message(["region": .double(.infinity)]).contains("a number is not finite"))
    }
}
