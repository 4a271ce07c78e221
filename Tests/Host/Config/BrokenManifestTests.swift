import HostConfig
import Testing

/// Each broken manifest and the one line that says so.
struct BrokenManifestTests {
    private static let required = "id: x\nversion: \"1\"\nlibrary: x.so\n"

    @Test(arguments: [
        ("", "p.yaml: the file is empty. See config.example.yaml for what it holds."),
        ("[]", "p.yaml:1: must be a mapping, not a list."),
        ("version: \"1\"", "p.yaml:1: id is missing. Give the plugin's id, such as openai."),
        ("id: x", "p.yaml:1: version is missing. Give the library's version, in quotes."),
        ("id: x\nversion: 1.0\nlibrary: x", "p.yaml:2: version: must be a string, not a number. Put it in quotes."),
        (
            "id: x\nversion: \"1\"",
            "p.yaml:1: library is missing. Give the library's file, such as libgantry-plugin-openai.so, "
                + "or `wire: openai` for a provider without one."
        ),
        (
            "id: Open AI\nversion: \"1\"\nlibrary: x",
            "p.yaml:1: id: must be 1 to 64 lower-case letters, digits and _ -, not \"Open AI\"."
        ),
        (
            "id: X\nversion: \"1\"\nlibrary: x",
            "p.yaml:1: id: must be 1 to 64 lower-case letters, digits and _ -, not \"X\"."
        ),
        ("id: x\nversion: \"1\"\nlibrary: \"\"", "p.yaml:3: library: must be the name or path of a library."),
        ("id: x\nversion: \"1\"\nlibrary: \"a\\0b\"", "p.yaml:3: library: must be the name or path of a library."),
        (required + "provider: [x]", "p.yaml:4: provider: unknown key. Did you mean providers?"),
        (required + "providers: x", "p.yaml:4: providers: must be a list, not a string."),
        (required + "providers:\n- y\n- y", "p.yaml:6: providers[1]: this provider stands twice. Remove one."),
        (
            required + "providers: [a/b]",
            "p.yaml:4: providers[0]: must be 1 to 64 lower-case letters, digits and . _ -, not \"a/b\"."
        ),
        (
            required + "hosts:\n- ok.example.com\n- \"*\"",
            "p.yaml:6: hosts[1]: \"*\" is not a host: two labels at least must follow the one with the *. "
                + "Write a name such as api.example.com, https://api.example.com:8443 or *.example.com."
        ),
        (
            required + "hosts: [os.environ/SECRET]",
            "p.yaml:4: hosts[0]: the variable's value is not a host. Correct it."
        ),
        (required + "configuration: [a]", "p.yaml:4: configuration: must be a mapping, not a list."),
        (
            required + "configuration: {a: {b: os.environ/NOT_SET}}",
            "p.yaml:4: configuration.a.b: the environment variable NOT_SET is missing or empty. Set it."
        ),
        (required + "secrets: {a: 12345}", "p.yaml:4: secrets.a: must be a string, not a number. Put it in quotes."),
        (required + "secrets: {a: \"\"}", "p.yaml:4: secrets.a: the secret is empty. Set it."),
        (
            required + "secrets: {\"a b\": c}",
            "p.yaml:4: secrets.a…: a secret's name is 1 to 64 letters, digits and . _ -. Rename it."
        ),
        (
            required + "sha256: 123abc",
            "p.yaml:4: sha256: must be the 64 hexadecimal digits that sha256sum prints for the file."
        ),
        (required + "environment: A", "p.yaml:4: environment: must be a list, not a string."),
        (
            required + "environment: [A, B-C]",
            "p.yaml:4: environment[1]: must be a variable's name alone, such as ACME_API_KEY: letters, digits and _."
        ),
        (
            required + "environment: [os.environ/A]",
            "p.yaml:4: environment[0]: must be a variable's name alone, such as ACME_API_KEY: letters, digits and _."
        ),
        (
            required + "environment: [1]",
            "p.yaml:4: environment[0]: must be a variable's name alone, such as ACME_API_KEY: letters, digits and _."
        ),
        (
            required + "environment: [A, A]",
            "p.yaml:4: environment[1]: this variable stands twice. Remove one."
        ),
        (required + "isolation: none", "p.yaml:4: isolation: must be process or in_process, not \"none\"."),
        (
            required + "limits: {step_ms: 5}",
            "p.yaml:4: limits.step_ms: must be a whole number from 10 to 600000, not 5."
        ),
        (
            required + "limits: {memory_mb: 8}",
            "p.yaml:4: limits.memory_mb: must be a whole number from 32 to 1048576, not 8."
        ),
        (
            required + "limits: {workers: 0}",
            "p.yaml:4: limits.workers: must be a whole number from 1 to 64, not 0."
        ),
        (
            required + "limits: {operations: many}",
            "p.yaml:4: limits.operations: must be a whole number from 1 to 65536, not \"many\"."
        ),
        (
            required + "limits: {worker: 1}",
            "p.yaml:4: limits.worker: unknown key. Did you mean workers?"
        ),
        (
            required + "isolation: in_process\nlimits: {workers: 1}",
            "p.yaml:5: limits: only a plugin with isolation: process has limits. Remove them, or isolation: in_process."
        ),
        (required + "enabled: maybe", "p.yaml:4: enabled: must be true or false, not a string."),
    ])
    func manifestsThatAreWrong(manifest: String, expected: String) {
        let problem = ConfigurationFixtures.problem(
            ConfigurationFixtures.scenario,
            manifests: [("p.yaml", manifest)],
            environment: ConfigurationFixtures.environment.merging(["SECRET": "hunter 2"]) { first, _ in first }
        )

        #expect(problem == "plugins.d/\(expected)")
    }

    @Test
    func aManifestListsThirtyTwoVariablesAtMost() {
        func problem(_ count: Int) -> String? {
            let names = (0..<count).map { "A\($0)" }.joined(separator: ", ")
            let own = Self.required + "environment: [\(names)]"
            return ConfigurationFixtures.problem(
                ConfigurationFixtures.scenario,
                manifests: [
                    ("a.yaml", ConfigurationFixtures.openAI), ("b.yaml", ConfigurationFixtures.vertexAI),
                    ("p.yaml", own),
                ]
            )
        }

        #expect(problem(32) == nil)
        #expect(problem(33) == "plugins.d/p.yaml:4: environment: has more than 32 items. Remove some.")
    }

    @Test
    func twoManifestsWithOneIDNameBothFiles() {
        let problem = ConfigurationFixtures.problem(
            ConfigurationFixtures.scenario,
            manifests: [("a.yaml", ConfigurationFixtures.openAI), ("b.yaml", Self.required.replacingID("openai"))]
        )

        #expect(
            problem == "plugins.d/b.yaml:1: id: the id openai is also that of plugins.d/a.yaml. "
                + "Change one, or set enabled: false in it."
        )
    }

    @Test
    func twoManifestsOfOneProviderNameBothFiles() {
        let problem = ConfigurationFixtures.problem(
            ConfigurationFixtures.scenario,
            manifests: [
                ("a.yaml", ConfigurationFixtures.openAI), ("b.yaml", Self.required + "providers: [openai]"),
                ("c.yaml", ConfigurationFixtures.vertexAI),
            ]
        )

        #expect(
            problem == "plugins.d/b.yaml:1: id: the provider openai is also served by plugins.d/a.yaml. "
                + "Change one, or set enabled: false in it."
        )
    }

    @Test
    func aDisabledManifestIsNotReadAnyFurther() throws {
        let disabled = ConfigurationFixtures.openAI + "\nenabled: false\nsecrets: {a: os.environ/NOT_SET}"

        let problem = ConfigurationFixtures.problem(
            ConfigurationFixtures.scenario,
            manifests: [("a.yaml", disabled), ("b.yaml", ConfigurationFixtures.vertexAI)]
        )

        #expect(problem == nil)
    }
}

extension String {
    fileprivate func replacingID(_ id: String) -> String {
        "id: \(id)\n" + split(separator: "\n").dropFirst().joined(separator: "\n")
    }
}
