import Foundation
import HostConfig
import Testing

struct PluginSettingsTests {
    private static let key = "ed25519:" + Data(repeating: 7, count: 32).base64EncodedString()
    private static let digest = String(repeating: "aB", count: 32)

    private static func text(_ section: String) -> String {
        "model_list: [{model_name: a, litellm_params: {model: gpt-4o, api_key: k}}]\n"
            + "general_settings: {master_key: sk-1234}\n" + section
    }

    private func trust(_ section: String, environment: [String: String] = [:]) throws -> PluginSettings.Trust? {
        try ConfigurationFixtures.load(Self.text(section), environment: environment).pluginSettings.trust
    }

    @Test
    func keysAndHashesAreRead() throws {
        let section = "plugin_settings: {trust: {keys: [\"\(Self.key)\", os.environ/KEY], sha256: [\(Self.digest)]}}"
        let other = "ed25519:" + Data(repeating: 8, count: 32).base64EncodedString()

        let trust = try #require(try trust(section, environment: ["KEY": other]))

        #expect(trust.keys == [Self.key, other])
        #expect(trust.sha256 == [Self.digest.lowercased()])
    }

    @Test(arguments: ["", "plugin_settings:", "plugin_settings: {}"])
    func withoutTrustEveryPluginIsOpened(section: String) throws {
        #expect(try trust(section) == nil)
    }

    @Test(arguments: [
        ("plugin_settings: {trust: }", "config.yaml:3: plugin_settings.trust: must be a mapping, not nothing."),
        (
            "plugin_settings: {trust: false}",
            "config.yaml:3: plugin_settings.trust: must be a mapping, not true or false."
        ),
        ("plugin_settings: {trust: {}}", "config.yaml:3: plugin_settings.trust: names neither keys nor sha256"),
        ("plugin_settings: {trust: {keys: [], sha256: }}", "plugin_settings.trust: names neither keys nor sha256"),
        ("plugin_settings: {trust: {key: []}}", "plugin_settings.trust.key: unknown key. Did you mean keys?"),
        ("plugin_settings: {trusted: {}}", "plugin_settings.trusted: unknown key."),
        ("plugin_settings: []", "config.yaml:3: plugin_settings: must be a mapping, not a list."),
        ("plugin_settings: {trust: {keys: [abc]}}", "trust.keys[0]: must be ed25519: and a key of 32 bytes in base 64"),
        ("plugin_settings: {trust: {keys: [\"ed25519:AAAA\"]}}", "trust.keys[0]: must be ed25519: and a key of 32"),
        ("plugin_settings: {trust: {keys: [\"\(key) \"]}}", "trust.keys[0]: must be ed25519: and a key of 32"),
        ("plugin_settings: {trust: {keys: [\"\(key)\", \"\(key)\"]}}", "trust.keys[1]: this stands twice. Remove one."),
        ("plugin_settings: {trust: {sha256: [abc]}}", "trust.sha256[0]: must be the 64 hexadecimal digits"),
        ("plugin_settings: {trust: {sha256: abc}}", "trust.sha256: must be a list, not a string."),
    ])
    func whatIsWrongIsRefusedWithItsPlace(section: String, message: String) {
        let problem = ConfigurationFixtures.problem(Self.text(section))

        #expect(problem?.contains(message) == true, "\(problem ?? "accepted")")
    }
}
