import Foundation
import Testing

@testable import HostPlugins

struct PluginLibraryTests {
    /// Loads a library as a manifest describes it; nil if it was accepted.
    private func refusal(
        _ library: CompiledLibrary,
        path: String? = nil,
        id: String = "tiny",
        version: String = "1.0",
        sha256: String? = nil,
        into libraries: PluginLibraries = PluginLibraries()
    ) -> PluginError? {
        let definition = PluginDefinition(
            id: id,
            version: version,
            manifestPath: library.path("manifest.yaml"),
            libraryPath: path ?? library.path("plugin.so"),
            sha256: sha256,
            allowsHost: { _, _, _ in false },
            configuration: [:],
            secrets: [:]
        )
        do throws(PluginError) {
            let image = try PluginImage(definition, runDirectory: library.path("run"))
            _ = try libraries.library(image, as: definition)
            return nil
        } catch {
            return error
        }
    }

    /// Compiles a source, loads it and returns the refusal's message without the folder.
    private func refusal(_ source: String, options: [String] = []) throws -> String? {
        let library = try CompiledLibrary()
        _ = try library.compile(source, options: options)
        let message = refusal(library)?.message.replacing(library.folder + "/", with: "")
        try library.remove()
        return message
    }

    @Test
    func aGoodLibraryIsLoadedFromACopyThatOnlyThisUserCanChange() throws {
        let library = try CompiledLibrary()
        let path = try library.compile(CompiledLibrary.good)
        let held = try LibraryCopy(
            library.bytes(path),
            sha256: LibraryFile(path).sha256,
            runDirectory: library.path("run")
        )
        #expect(refusal(library) == nil)
        let copies = try FileManager.default.contentsOfDirectory(atPath: library.path("run/plugins"))
        let sha256 = try #require(copies.first)
        let copy = library.path("run/plugins/\(sha256)/plugin.so")

        #expect(copies.count == 1 && sha256.count == 64)
        #expect(try library.bytes(copy) == library.bytes(path))
        #expect(try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int == 0o500)
        #expect(refusal(library, sha256: sha256) == nil)
        #expect(held.path == copy)
        try library.remove()
    }

    @Test
    func aCopyGoesWithTheLastWhoUsesIt() async throws {
        let library = try CompiledLibrary()
        let (run, sha256) = (library.path("run"), String(repeating: "a", count: 64))
        var one: LibraryCopy? = try LibraryCopy([1, 2], sha256: sha256, runDirectory: run)
        var other: LibraryCopy? = try LibraryCopy([1, 2], sha256: sha256, runDirectory: run)
        let path = try #require(one?.path)
        #expect(other?.path == path)
        one = nil
        try await Task.sleep(for: .milliseconds(200))
        LibraryCopy.removeUnused(in: run)
        #expect(FileManager.default.fileExists(atPath: path), "the other uses it")
        #expect(one == nil && other != nil)
        other = nil
        while FileManager.default.fileExists(atPath: library.path("run/plugins/\(sha256)")) {
            try await Task.sleep(for: .milliseconds(10))
        }
        try library.remove()
    }

    @Test
    func whatOthersHaveLeftIsRemoved() throws {
        let library = try CompiledLibrary()
        let run = library.path("run")
        LibraryCopy.removeUnused(in: run)
        let copy = try LibraryCopy([1], sha256: String(repeating: "a", count: 64), runDirectory: run)
        let left = try PluginImage.store([2], sha256: String(repeating: "b", count: 64), runDirectory: run)
        LibraryCopy.removeUnused(in: run)

        #expect(FileManager.default.fileExists(atPath: copy.path))
        #expect(!FileManager.default.fileExists(atPath: left))
        try library.remove()
    }

    @Test
    func aMissingLibraryIsRefused() throws {
        let library = try CompiledLibrary()
        let error = try #require(refusal(library))

        #expect(error.code == .libraryRefused)
        #expect(error.message.contains("plugin.so: No such file or directory."))
        try library.remove()
    }

    @Test
    func whatIsNoRegularFileIsRefused() throws {
        let library = try CompiledLibrary()
        try FileManager.default.createDirectory(
            atPath: library.path("plugin.so"),
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        #expect(refusal(library)?.message.contains("it is not a regular file") == true)
        #expect(mkfifo(library.path("pipe.so"), 0o600) == 0)
        #expect(refusal(library, path: library.path("pipe.so"))?.message.contains("it is not a regular file") == true)
        #expect(refusal(library, path: "/dev/null")?.message.contains("group or others may write") == true)
        try library.remove()
    }

    @Test(arguments: [0o777, 0o720, 0o702])
    func aLibraryThatOthersCanChangeIsRefused(mode: Int) throws {
        let library = try CompiledLibrary()
        let path = try library.compile(CompiledLibrary.good)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(refusal(library)?.message.contains("plugin.so: group or others may write to it") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: library.folder)
        #expect(refusal(library)?.message.contains("group or others may write to it") == true)
        try library.remove()
    }

    @Test
    func anotherSHA256IsRefusedAndBothAreShown() throws {
        let library = try CompiledLibrary()
        _ = try library.compile(CompiledLibrary.good)
        let expected = String(repeating: "0", count: 64)
        let message = try #require(refusal(library, sha256: expected)).message

        #expect(message.contains("plugin.so: its SHA-256 is "))
        #expect(message.hasSuffix("manifest.yaml says \(expected)."))
        #expect(!FileManager.default.fileExists(atPath: library.path("run")))
        try library.remove()
    }

    @Test
    func aForeignLibraryIsRefusedBeforeItsCodeRuns() throws {
        let message = try refusal(
            "__attribute__((constructor)) static void run(void) { __builtin_trap(); }\n"
                + "__attribute__((visibility(\"default\"))) int b(void) { return 1; }\n"
                + "__attribute__((visibility(\"default\"))) int a(void) { return 1; }\n"
        )

        #expect(
            message == "plugin.so: it exports 2 symbols (a, b) instead of gantry_plugin_entry_v1 alone. "
                + "Build it as the SDK's README says."
        )
    }

    @Test
    func aLibraryThatAProcessCanHaveOneCopyOfBelongsIntoAWorker() throws {
        let entry = "ENTRY { table.flags |= GANTRY_PF_ONE_PER_PROCESS; return &table; }\n"
        let library = try CompiledLibrary()
        _ = try library.compile(CompiledLibrary.prologue + entry)
        let libraries = PluginLibraries()
        let first = refusal(library, into: libraries)
        // The next version is not even opened.
        _ = try library.compile(CompiledLibrary.prologue + "ENTRY { __builtin_trap(); return &table; }\n")
        let second = refusal(library, into: libraries)
        try library.remove()

        let reason = ": a process can have one copy of it only. Set isolation: process in its manifest."
        #expect(first?.message == library.path("plugin.so") + reason)
        #expect(second?.message == first?.message)
    }

    @Test
    func aLibraryThatDoesNotLinkIsRefused() throws {
        let source = CompiledLibrary.prologue + "void missing(void);\nENTRY { missing(); return &table; }\n"

        #expect(try refusal(source)?.contains("undefined symbol: missing") == true)
    }

    @Test
    func anEntryThatReturnsNothingIsRefused() throws {
        let message = try refusal(CompiledLibrary.prologue + "ENTRY { return 0; }\n")

        #expect(message == "plugin.so: it cannot work with ABI 1.0.")
    }

    @Test
    func aPluginThatNeedsANewerHostIsRefused() throws {
        let message = try refusal(CompiledLibrary.prologue + "ENTRY { table.needs_minor = 7; return &table; }\n")

        #expect(message == "plugin.so: it needs ABI 1.7, this host has 1.0. Update the host.")
    }

    @Test
    func aTableThatEndsTooEarlyIsRefused() throws {
        for size in ["0", "offsetof(gantry_plugin, op_free)", "offsetof(gantry_plugin, op_free) + 7"] {
            let message = try refusal(CompiledLibrary.prologue + "ENTRY { table.size = \(size); return &table; }\n")
            #expect(message?.contains("and ends before op_free") == true)
        }
        let exact = "ENTRY { table.size = offsetof(gantry_plugin, op_free) + sizeof(void *); return &table; }\n"
        #expect(try refusal(CompiledLibrary.prologue + exact) == nil)
    }

    @Test(arguments: [
        "table.op_step = 0;", "table.instance_new = 0;", "table.target_free = 0;", "table.op_free = 0;",
        "table.id.ptr = 0;", "table.version.len = (size_t)-1;", "table.describe.len = 9;",
    ])
    func aTableWithHolesIsRefused(hole: String) throws {
        let message = try refusal(CompiledLibrary.prologue + "ENTRY { \(hole) return &table; }\n")

        #expect(message == "plugin.so: its table has a null function or a malformed text.")
    }

    @Test(arguments: ["{", "[]", #"{\"params\":{\"a\":{\"kind\":\"other\"}}}"#, #"{\"params\":{\"a\":{}}}"#])
    func aDescriptionThatIsNotTheABIsIsRefused(json: String) throws {
        let text = "static const char text[] = \"\(json)\";\n"
        let describe = "(gantry_slice){(const uint8_t *)text, sizeof text - 1}"
        let entry = "ENTRY { table.describe = \(describe); return &table; }\n"
        let message = try refusal(CompiledLibrary.prologue + text + entry)

        #expect(message?.contains("its `describe` is not the JSON") == true)
    }

    @Test
    func anotherIdOrVersionIsRefusedAndBothAreShown() throws {
        let library = try CompiledLibrary()
        _ = try library.compile(CompiledLibrary.good)
        let byID = try #require(refusal(library, id: "huge")).message
        let byVersion = try #require(refusal(library, version: "2.0")).message

        #expect(byID.contains("plugin.so: it is tiny 1.0, the manifest "))
        #expect(byID.hasSuffix("says huge 1.0."))
        #expect(byVersion.hasSuffix("says tiny 2.0."))
        try library.remove()
    }
}
