import Foundation
import HostFunctions
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HostPlugins

/// Libraries of plain C functions that manifests name.
struct PluginFunctionTests {
    private static let functions = """
        #include <stdint.h>
        #include <string.h>
        #include <unistd.h>
        #define PUBLIC __attribute__((visibility("default")))
        PUBLIC int32_t shouted(const char *text, uint8_t *out, size_t *length)
        {
          size_t count = strlen(text);
          memcpy(out, text, count);
          out[count] = '!';
          *length = count + 1;
          return 0;
        }
        PUBLIC int32_t rest(int32_t milliseconds) { usleep(milliseconds * 1000); return milliseconds; }
        PUBLIC int32_t a_variable = 7;
        int32_t hidden(void) { return 1; }
        """

    /// A plugin that says why it cannot be made: in the words of its hook for the model's name.
    private static let plugin =
        "#include \"gantry_functions.h\"\n"
        + CompiledLibrary.prologue.replacing(
            "{ *o = (gantry_instance *)1; return 0; }",
            with: """
                ;
                static gantry_slice said;
                static uint8_t text[64];
                static void keep(void *ctx, const gantry_value *value)
                {
                  said.ptr = text;
                  said.len = value->bytes.len < 64 ? value->bytes.len : 64;
                  __builtin_memcpy(text, value->bytes.ptr, said.len);
                }
                static gantry_status instance_new(const gantry_host *h, gantry_slice c, const gantry_sink *w,
                                                  gantry_instance **o)
                {
                  gantry_command error = {.size = sizeof error, .kind = GANTRY_CMD_ERROR, .code = GANTRY_ERR_INVALID};
                  const gantry_functions *f = h->extension(h->ctx, GANTRY_FUNCTIONS_EXTENSION);
                  gantry_value inputs[2] = {{GANTRY_LIT("gpt"), 0}, {GANTRY_LIT("chat"), 0}};
                  gantry_value_sink sink = {.size = sizeof sink, .emit = keep};
                  if (!f) { *o = (gantry_instance *)1; return 0; }
                  f->call(f->ctx, GANTRY_HOOK_MODEL_NAME, inputs, 2, &sink);
                  error.data = said;
                  w->emit(w->ctx, &error);
                  return GANTRY_E_INVALID;
                }

                """
        ) + "ENTRY { return &table; }\n"

    private static func binding(_ name: String, _ symbol: String, _ signature: String) throws -> FunctionBinding {
        FunctionBinding(name: name, symbol: symbol, signature: try FunctionSignature(parsing: signature))
    }

    private func definition(
        in library: CompiledLibrary,
        _ bindings: FunctionBindings,
        sha256: String? = nil,
        trust: TrustPolicy? = nil
    ) -> PluginDefinition {
        PluginDefinition(
            id: "tiny",
            version: "1.0",
            manifestPath: library.path("manifest.yaml"),
            libraryPath: library.path("plugin.so"),
            sha256: nil,
            allowsHost: { _, _, _ in false },
            configuration: [:],
            secrets: [:],
            functions: FunctionsDefinition(
                libraryPath: library.path("functions.so"),
                sha256: sha256,
                bindings: bindings
            ),
            trust: trust
        )
    }

    /// Loads a plugin with functions; nil if it was accepted.
    private func refusal(_ definition: PluginDefinition, _ library: CompiledLibrary) -> PluginError? {
        do throws(PluginError) {
            _ = try PluginInstance(
                definition,
                image: try PluginImage(definition, runDirectory: library.path("run")),
                libraries: PluginLibraries(),
                environment: [:],
                workers: WorkerEnvironment(executable: "/nonexistent", group: MultiThreadedEventLoopGroup.singleton),
                meters: PluginMeterBoard().meters(of: "tiny"),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            return nil
        } catch {
            return error
        }
    }

    private func compiled(_ functions: String = functions) throws -> CompiledLibrary {
        let library = try CompiledLibrary()
        _ = try library.compile(Self.plugin)
        _ = try library.compile(functions, to: "functions.so")
        return library
    }

    @Test
    func aPluginReachesTheFunctionsOfItsHooks() throws {
        let library = try compiled()
        let bound = FunctionBindings(hooks: [try Self.binding("model_name", "shouted", "i32(cstr, out)")])
        let named = FunctionBindings(functions: [try Self.binding("rest", "rest", "i32(i32)")])

        let refusal = refusal(definition(in: library, bound), library)

        #expect(refusal?.message == "\(library.path("manifest.yaml")): gpt!")
        #expect(self.refusal(definition(in: library, named), library) == nil)
        try library.remove()
    }

    @Test
    func hooksOfAPluginThatCallsNoneAreRefused() throws {
        let library = try compiled()
        _ = try library.compile(CompiledLibrary.good)
        let bound = FunctionBindings(hooks: [try Self.binding("model_name", "shouted", "i32(cstr, out)")])

        let refusal = refusal(definition(in: library, bound), library)

        #expect(
            refusal?.message
                == "\(library.path("manifest.yaml")): hooks: tiny calls none. Remove them, or use another plugin."
        )
        try library.remove()
    }

    @Test(arguments: ["absent", "hidden", "a_variable", "strlen", "usleep"])
    func aSymbolThatIsNoFunctionOfTheLibraryIsRefusedBeforeItsCodeRuns(symbol: String) throws {
        let library = try compiled(
            Self.functions + "\n__attribute__((constructor)) static void begin(void) { __builtin_trap(); }\n"
        )
        let bindings = FunctionBindings(functions: [try Self.binding("count", symbol, "i32()")])

        let message = refusal(definition(in: library, bindings), library)?.message

        #expect(
            message == "\(library.path("functions.so")): it has no function \(symbol), which count is bound to. "
                + "It has rest, shouted."
        )
        try library.remove()
    }

    @Test
    func aFunctionThatFreesMayBeTheCLibrarys() throws {
        let library = try compiled(
            "#include <string.h>\n__attribute__((visibility(\"default\"))) char *twin(const char *t) { return strdup(t); }"
        )
        let bindings = FunctionBindings(functions: [try Self.binding("twin", "twin", "owned:free(cstr)")])
        let missing = FunctionBindings(functions: [try Self.binding("twin", "twin", "owned:absent(cstr)")])

        #expect(refusal(definition(in: library, bindings), library) == nil)
        #expect(
            refusal(definition(in: library, missing), library)?.message
                == "\(library.path("functions.so")): it has no function absent. Correct the symbol."
        )
        try library.remove()
    }

    @Test
    func aLibraryOfFunctionsIsCheckedAsAPluginIs() throws {
        let library = try compiled()
        let bindings = FunctionBindings(functions: [try Self.binding("rest", "rest", "i32(i32)")])
        let path = library.path("functions.so")
        let bytes = try library.bytes(path)
        let other = String(repeating: "0", count: 64)
        func message(sha256: String? = nil, trust: TrustPolicy? = nil) -> String {
            refusal(definition(in: library, bindings, sha256: sha256, trust: trust), library)?.message ?? ""
        }

        #expect(message(sha256: other).contains("the manifest \(library.path("manifest.yaml")) says \(other)."))
        #expect(message(trust: TrustPolicy(keys: [], hashes: [])).contains("is not trusted"))
        try library.write("functions.so", Data(bytes), mode: 0o666)
        #expect(message() == "\(path): group or others may write to it. Run `chmod go-w` on it first.")
        for count in [0, 3, 64, 500, bytes.count / 2, bytes.count - 1] {
            try library.write("functions.so", Data(bytes[..<count]))
            #expect(message().hasPrefix("\(path): it is "), "\(count) bytes")
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(message() == "\(path): No such file or directory. Put it there or correct the manifest.")
        try library.remove()
    }

    @Test
    func anExecutableStackIsRefused() throws {
        let library = try CompiledLibrary()
        _ = try library.compile(Self.plugin)
        _ = try library.compile(Self.functions, to: "functions.so", options: ["-z", "execstack"])
        let bindings = FunctionBindings(functions: [try Self.binding("rest", "rest", "i32(i32)")])

        let message = refusal(definition(in: library, bindings), library)?.message

        #expect(message == "\(library.path("functions.so")): it asks for an executable stack.")
        try library.remove()
    }

    @Test
    func aCallHasADeadlineAndNoMoreThanSomeAreUnderWay() async throws {
        let library = try compiled()
        let path = library.path("functions.so")
        let bindings = FunctionBindings(functions: [try Self.binding("rest", "rest", "i32(i32)")])
        let table = try FunctionPlan(path: path, name: path, bindings: bindings).open()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        func call(_ milliseconds: Int64, deadline: TimeAmount) async throws(FunctionCallError) -> FunctionAnswer {
            try await FunctionCalls.call(
                "rest",
                [.integer(milliseconds)],
                by: .local(table),
                limit: 100,
                deadline: deadline,
                on: loop
            )
        }

        #expect(try await call(1, deadline: .seconds(60)).value == .integer(1))
        let wrong = await #expect(throws: FunctionCallError.self) { try await call(1 << 40, deadline: .seconds(60)) }
        #expect(wrong?.code == .badArgument && wrong?.argument == 0)
        let codes = await withTaskGroup(of: FunctionCallError.Code?.self) { group in
            for _ in 0..<(FunctionCalls.mostCalls + 4) {
                group.addTask {
                    do throws(FunctionCallError) {
                        _ = try await call(500, deadline: .milliseconds(5))
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return await group.reduce(into: [FunctionCallError.Code?]()) { $0.append($1) }
        }

        #expect(codes.count { $0 == .timedOut } == FunctionCalls.mostCalls)
        #expect(codes.count { $0 == .busy } == 4)
        try library.remove()
    }
}
