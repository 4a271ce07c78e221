import HostConfig
import Testing

/// Each mistake in a manifest without a library, and the one line that says so.
struct BrokenWireManifestTests {
    private static let start = "id: x\nversion: \"1\"\nwire: openai\n"
    private static let chat = start + "operations: [chat]\n"
    private static let files = start + "operations: [chat, files]\n"
    private static let base =
        "must be an http or https URL with its version and nothing after it, such as https://api.mistral.ai/v1."
    private static let wire = "is not for a manifest with `wire`, whose library is Gantry's. Remove it."
    private static let library = "is only for a manifest with `wire: openai`. Add that, or remove this key."
    private static let name = "a name here is 1 to 64 letters, digits, - and _. Correct it."

    private static let shapes: [(String, String)] = [
        ("id: x\nversion: \"1\"\nwire: anthropic", "p.yaml:3: wire: must be openai, not \"anthropic\"."),
        (chat + "library: x.so", "p.yaml:5: library: \(wire)"),
        (chat + "configuration: {}", "p.yaml:5: configuration: \(wire)"),
        (chat + "environment: [KEY]", "p.yaml:5: environment: \(wire)"),
        (chat + "base_ulr: x", "p.yaml:5: base_ulr: unknown key. Did you mean base_url?"),
        ("id: x\nversion: \"1\"\nlibrary: x\nbase_url: https://a.example", "p.yaml:4: base_url: \(library)"),
        ("id: x\nversion: \"1\"\nlibrary: x\nquirks: {}", "p.yaml:4: quirks: \(library)"),
        ("id: x\nversion: \"1\"\noperations: [chat]", "p.yaml:3: operations: \(library)"),
        (start, "p.yaml:1: operations is missing. List what the provider has, such as [chat, embeddings, models]."),
        (
            chat + "api_key_env: os.environ/KEY",
            "p.yaml:5: api_key_env: must be a variable's name alone, such as "
                + "MISTRAL_API_KEY: letters, digits and _."
        ),
        (
            chat + "api_base_env: 7",
            "p.yaml:5: api_base_env: must be a variable's name alone, such as "
                + "MISTRAL_API_KEY: letters, digits and _."
        ),
        (
            chat + "headers: {X-Key: \"{token}\"}\napi_key_env: KEY",
            "p.yaml:6: api_key_env: no header has the key. "
                + "Write {api_key} at the end of one's value, or remove api_key_env."
        ),
    ]

    private static let bases: [(String, String)] = [
        "api.example.com/v1", "ftp://a.example/v1", "https://", "https:///v1", "https://a.example/v1?x=1",
        "https://user:secret@a.example/v1", "https://*.a.example/v1", "https://a.example/{region}",
        "https://a.example:99999/v1", "https://[::1]/v1", "\"https://a.example/ v1\"", "\"\"",
    ].map { (chat + "base_url: \($0)", "p.yaml:5: base_url: \(base)") }

    private static let hosts: [(String, String)] = [
        (
            chat + "base_url: https://a.example/v1\nhosts: [b.example]",
            "p.yaml:6: hosts: the host of base_url, https://a.example, is not among them. Add it, or remove hosts."
        ),
        (
            chat + "base_url: http://a.example/v1\nhosts: [a.example]",
            "p.yaml:6: hosts: the host of base_url, http://a.example, is not among them. Add it, or remove hosts."
        ),
    ]

    private static let clear =
        "holds a secret in clear. Put it under secrets and write its name in braces here, or {api_key}."
    private static let braces =
        "braces hold one name, and only at the end of the value: \"Bearer {api_key}\". Correct the value."
    private static let headers: [(String, String)] = [
        (chat + "headers: [a]", "p.yaml:5: headers: must be a mapping, not a list."),
        (chat + "headers: {Authorization: Bearer sk-1}", "p.yaml:5: headers.Authorization: \(clear)"),
        (chat + "headers: {X-API-Key: sk-1}", "p.yaml:5: headers.X-API-Key: \(clear)"),
        (chat + "headers: {X-A: \"{a} b\"}", "p.yaml:5: headers.X-A: \(braces)"),
        (chat + "headers: {X-A: \"{a}{b}\"}", "p.yaml:5: headers.X-A: \(braces)"),
        (chat + "headers: {X-A: \"{}\"}", "p.yaml:5: headers.X-A: \(braces)"),
        (chat + "headers: {X-A: \"a}\"}", "p.yaml:5: headers.X-A: \(braces)"),
        (chat + "headers: {X-A: \"{{a}}\"}", "p.yaml:5: headers.X-A: \(braces)"),
        (chat + "headers: {X-A: \"{\"}", "p.yaml:5: headers.X-A: \(braces)"),
        (
            chat + "headers: {X-A: \"{api_base}\"}",
            "p.yaml:5: headers.X-A: {api_base} is not a secret. Name one of secrets, or a parameter of your own such as "
                + "{api_key}."
        ),
        (
            chat + "headers: {X-A: os.environ/SECRET}",
            "p.yaml:5: headers.X-A: a variable's value may be a secret. Put it under secrets, and write its name in "
                + "braces here: {NAME}."
        ),
        (chat + "headers: {X-A: \"\"}", "p.yaml:5: headers.X-A: must be 1 to 1024 printable ASCII characters."),
        (chat + "headers: {X-A: \"a\\nb\"}", "p.yaml:5: headers.X-A: must be 1 to 1024 printable ASCII characters."),
        (chat + "headers: {X-A: 1}", "p.yaml:5: headers.X-A: must be a string, not a number. Put it in quotes."),
        (
            chat + "headers: {\"X A\": b}",
            "p.yaml:5: headers.X…: a header's name is 1 to 64 letters, digits, - and _. Rename it."
        ),
        (
            chat + "headers: {host: a.example}",
            "p.yaml:5: headers.host: the gateway writes this header itself. Remove it."
        ),
        (
            chat + "headers: {Content-Type: text/plain}",
            "p.yaml:5: headers.Content-Type: the gateway writes this header itself. Remove it."
        ),
        (chat + "headers:\n  X-A: b\n  x-a: c", "p.yaml:7: headers.x-a: this header stands twice. Remove one."),
        (
            chat + "headers: {" + (0..<33).map { "X-\($0): a" }.joined(separator: ", ") + "}",
            "p.yaml:5: headers: has more than 32 headers. Remove some."
        ),
    ]

    private static let operations: [(String, String)] = [
        (start + "operations: chat", "p.yaml:4: operations: must be a list, not a string."),
        (start + "operations: []", "p.yaml:4: operations: the list is empty. Add what the provider has."),
        (
            start + "operations: [chats]", "p.yaml:4: operations[0]: \"chats\" is no operation. Did you mean chat?"
        ),
        (
            start + "operations: [images]",
            "p.yaml:4: operations[0]: \"images\" is no operation. There are chat, embeddings, models, responses, files, "
                + "batches, fine_tuning, and parts such as files.create."
        ),
        (start + "operations: [chat, chat]", "p.yaml:4: operations[1]: this operation stands twice. Remove one."),
        (
            start + "operations: [files, files.create]",
            "p.yaml:4: operations[1]: this operation stands twice. Remove one."
        ),
        (
            start + "operations: [files.create]",
            "p.yaml:4: operations: files.create is of no use without files.delete. Add that, or remove this."
        ),
        (
            start + "operations: [batches]",
            "p.yaml:4: operations: batches.create is of no use without files.create. Add that, or remove this."
        ),
        (
            start + "operations: [responses.create, responses.retrieve]",
            "p.yaml:4: operations: responses.retrieve is of no use without responses.delete. Add that, or remove this."
        ),
    ]

    private static let quirks: [(String, String)] = [
        (chat + "quirks: [a]", "p.yaml:5: quirks: must be a mapping, not a list."),
        (chat + "quirks: {keyles: true}", "p.yaml:5: quirks.keyles: unknown key. Did you mean keyless?"),
        (chat + "quirks: {keyless: 1}", "p.yaml:5: quirks.keyless: must be true or false, not a number."),
        (
            chat + "quirks: {default_path: v1}",
            "p.yaml:5: quirks.default_path: must be a path such as /v1, without a / at its end."
        ),
        (
            chat + "quirks: {default_path: /v1/}",
            "p.yaml:5: quirks.default_path: must be a path such as /v1, without a / at its end."
        ),
        (chat + "quirks: {chat_rename: {a b: c}}", "p.yaml:5: quirks.chat_rename.a…: \(name)"),
        (chat + "quirks: {chat_rename: {a: \"\"}}", "p.yaml:5: quirks.chat_rename.a: \(name)"),
        (chat + "quirks: {chat_drop: [a b]}", "p.yaml:5: quirks.chat_drop[0]: \(name)"),
        (chat + "quirks: {chat_drop: [a, a]}", "p.yaml:5: quirks.chat_drop[1]: this name stands twice. Remove one."),
        (
            chat + "quirks: {chat_drop: [messages]}",
            "p.yaml:5: quirks.chat_drop: messages is the gateway's own to write. Remove it."
        ),
        (
            chat + "quirks: {chat_rename: {a: model}}",
            "p.yaml:5: quirks.chat_rename: model is the gateway's own to write. Remove it."
        ),
        (
            chat + "quirks: {chat_rename: {a: b}, chat_drop: [a]}",
            "p.yaml:5: quirks.chat_drop: a also stands in chat_rename. Remove it from one."
        ),
        (
            files + "quirks: {file_purposes: {photos: ocr}}",
            "p.yaml:5: quirks.file_purposes: photos is no purpose of OpenAI's. There are assistants, batch, fine-tune, "
                + "vision, user_data, evals, messages, batch_output, fine-tune-results."
        ),
        (
            chat + "quirks: {file_purposes: {user_data: ocr}}",
            "p.yaml:5: quirks.file_purposes: operations have no files.create, which this is about. Add that, or remove "
                + "this."
        ),
        (
            start + "operations: [embeddings]\nquirks: {chat_roles: {developer: system}}",
            "p.yaml:5: quirks.chat_roles: operations have no chat, which this is about. Add that, or remove this."
        ),
    ]

    private static let all: [(String, String)] = [shapes, bases, hosts, headers, operations, quirks].flatMap { $0 }

    @Test(arguments: all)
    func manifestsThatAreWrong(manifest: String, expected: String) {
        let problem = ConfigurationFixtures.problem(
            ConfigurationFixtures.scenario,
            manifests: [("p.yaml", manifest)],
            environment: ConfigurationFixtures.environment.merging(["SECRET": "hunter 2"]) { first, _ in first }
        )

        #expect(problem == "plugins.d/\(expected)")
    }
}
