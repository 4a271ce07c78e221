import HostConfig
import HostFunctions
import Testing

/// What manifests say of plain C functions.
struct FunctionManifestTests {
    private static let required = "id: acme\nversion: \"1\"\nlibrary: x.so\n"
    private static let library = required + "functions_library: libacme.so\n"

    private func manifest(_ text: String) throws -> PluginManifest {
        let configuration = try ConfigurationFixtures.load(
            ConfigurationFixtures.scenario,
            manifests: [
                ("openai.yaml", ConfigurationFixtures.openAI), ("p.yaml", text),
                ("v.yaml", ConfigurationFixtures.vertexAI),
            ]
        )
        return try #require(configuration.plugins.first { $0.id == "acme" })
    }

    @Test
    func hooksAndFunctionsAreBound() throws {
        let digest = String(repeating: "AB", count: 32)

        let manifest = try manifest(
            Self.library + """
                functions_sha256: \(digest)
                hooks:
                  model_name: {symbol: acme_model, signature: "i32(cstr, out)"}
                  count_tokens: {symbol: acme_count, signature: i64(bytes)}
                functions:
                  to-text: {symbol: acme_text, signature: "owned:acme_free(f64)"}
                """
        )

        let functions = try #require(manifest.functions)
        #expect(functions.library == "libacme.so")
        #expect(functions.sha256 == digest.lowercased())
        #expect(functions.bindings.hooks.map(\.name) == ["model_name", "count_tokens"])
        #expect(functions.bindings.hooks.map(\.symbol) == ["acme_model", "acme_count"])
        #expect(functions.bindings.functions.map(\.name) == ["to-text"])
        #expect(functions.bindings.functions.first?.signature.description == "owned:acme_free(f64)")
    }

    @Test
    func functionsRunInAWorkerUnlessTheManifestSaysOtherwise() throws {
        let hooks = "functions_library: l.so\nhooks: {model_name: {symbol: s, signature: cstr(cstr)}}\n"
        let wire = "id: acme\nversion: \"1\"\nwire: openai\nbase_url: https://api.acme.example/v1\noperations: [chat]\n"

        #expect(try manifest(wire).isolation == .inProcess)
        #expect(try manifest(wire + hooks).isolation == .process)
        #expect(try manifest(wire + hooks + "isolation: in_process").isolation == .inProcess)
        #expect(try manifest(Self.required + hooks).isolation == .process)
        #expect(try manifest(Self.required).functions == nil)
    }

    private static let wrongBindings: [(String, String)] = [
        ("", "4: functions_library: no function of it is bound. Add hooks or functions, or remove it."),
        ("hooks: {modelname: {}}", "5: hooks.modelname: unknown key. Did you mean model_name?"),
        (
            "hooks:\n  model_name: {symbol: s}",
            "6: hooks.model_name: signature is missing. Say what the function takes, such as \"i32(cstr, out)\"."
        ),
        (
            "hooks:\n  model_name: {signature: cstr(cstr)}",
            "6: hooks.model_name: symbol is missing. Give the C function's name, such as acme_model."
        ),
        (
            "hooks:\n  model_name:\n    symbol: s\n    signature: \"i32(cstr, in)\"",
            "8: hooks.model_name.signature: position 11: \"in\" is no argument. It is one of i32, i64, f64, cstr, bytes, out."
        ),
        (
            "hooks:\n  model_name:\n    symbol: s\n    signature: \"i32(i64, out)\"",
            "8: hooks.model_name.signature: position 5: model of model_name is taken as cstr or bytes."
        ),
        (
            "functions:\n  f: {symbol: a b, signature: void()}",
            "6: functions.f.symbol: must be the name of a C function, not \"a b\"."
        ),
        (
            "functions:\n  f: {symbol: a, signature: void(}",
            "6: functions.f.signature: position 6: nothing is no argument. It is one of i32, i64, f64, cstr, bytes, out."
        ),
        (
            "functions:\n  a b: {symbol: a, signature: void()}",
            "6: functions.a…: a function's name is 1 to 64 letters, digits and _ -. Rename it."
        ),
        (
            "functions:\n  f: {symbol: a, signature: void(), hook: x}",
            "6: functions.f.hook: unknown key. The keys here are symbol, signature."
        ),
        ("functions: [f]", "5: functions: must be a mapping, not a list."),
        (
            "functions_sha256: ab\nfunctions: {f: {symbol: a, signature: void()}}",
            "5: functions_sha256: must be the 64 hexadecimal digits that sha256sum prints for the file."
        ),
    ]

    @Test(arguments: wrongBindings)
    func whatIsWrongIsToldWithItsPlace(text: String, expected: String) {
        #expect(Self.problem(Self.library + text) == "plugins.d/p.yaml:\(expected)")
    }

    @Test(arguments: [
        ("hooks", "{model_name: {symbol: s, signature: cstr(cstr)}}"), ("functions_sha256", "ab"),
        ("functions", "{f: {symbol: s, signature: cstr(cstr)}}"),
    ])
    func functionsWithoutALibraryAreRefused(key: String, value: String) {
        let advice = "the functions need a library. Write functions_library, such as libacme.so."

        #expect(Self.problem(Self.required + "\(key): \(value)") == "plugins.d/p.yaml:4: \(key): \(advice)")
    }

    private static func problem(_ manifest: String) -> String? {
        ConfigurationFixtures.problem(ConfigurationFixtures.scenario, manifests: [("p.yaml", manifest)])
    }

    @Test
    func thereAreNotMoreThan64Functions() {
        let functions = (0..<65).map { "  f\($0): {symbol: a, signature: void()}\n" }.joined()

        let problem = Self.problem(Self.library + "functions:\n" + functions)

        #expect(problem == "plugins.d/p.yaml:5: functions: has more than 64 functions. Remove some.")
    }
}
