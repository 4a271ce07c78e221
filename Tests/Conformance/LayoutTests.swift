import Foundation
import Testing

/// The recorded layout of the ABI, held against its header and against headers that were changed.
struct LayoutTests {
    private let header: String
    private let functions: String
    private let layout: URL

    init() throws {
        let plugin = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../SDK/CGantryPlugin").standardized
        header = try String(contentsOf: plugin.appending(path: "include/gantry_plugin.h"), encoding: .utf8)
        functions = try String(contentsOf: plugin.appending(path: "include/gantry_functions.h"), encoding: .utf8)
        layout = plugin.appending(path: "layout.c")
    }

    /// Whether a header agrees with the table in one language.
    private func agrees(_ header: String, _ language: [String]) throws -> Bool {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gantry-layout-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(header.utf8).write(to: folder.appending(path: "gantry_plugin.h"))
        try Data(functions.utf8).write(to: folder.appending(path: "gantry_functions.h"))
        let result = try ChildProcess.run(
            URL(filePath: "/usr/bin/env"),
            ["clang", "-fsyntax-only", "-Werror", "-I", folder.path] + language + [layout.path]
        )
        try FileManager.default.removeItem(at: folder)
        return result.status == 0
    }

    private static let languages = [["-x", "c", "-std=c11"], ["-x", "c++", "-std=c++17"]]

    @Test(arguments: languages)
    func theHeaderIsWhatWasRecorded(language: [String]) throws {
        #expect(try agrees(header, language))
    }

    @Test(arguments: languages)
    func growthAtTheEndIsAllowed(language: [String]) throws {
        let grown = try changed([
            ("  size_t ref_count;\n} gantry_event;", "  size_t ref_count;\n  uint64_t added;\n} gantry_event;"),
            (
                "  const void *(*extension)(const char *id);\n} gantry_plugin;",
                "  const void *(*extension)(const char *id);\n  void (*added)(void);\n} gantry_plugin;"
            ),
            ("GANTRY_E_INTERNAL = -7 ", "GANTRY_E_INTERNAL = -7, GANTRY_E_ADDED = -8 "),
        ])

        #expect(try agrees(grown, language))
    }

    /// Each of these breaks plugins that have been built.
    static let breaks: [[String]] = [
        [
            "uint32_t size, kind, flags, request;\n  int32_t code, reserved;",
            "uint32_t size, kind, flags, request, added;\n  int32_t code, reserved;",
        ],
        ["gantry_slice name, value, secret; } gantry_pair", "gantry_slice name, value, secret, added; } gantry_pair"],
        ["  uint64_t value;\n  gantry_slice data, text;", "  int64_t value;\n  gantry_slice data, text;"],
        [
            "  gantry_slice data, text;\n  const gantry_pair *pairs;",
            "  gantry_slice text, data;\n  const gantry_pair *pairs;",
        ],
        ["GANTRY_EV_TIMER = 6", "GANTRY_EV_TIMER = 16"], ["GANTRY_ERR_INVALID = 1", "GANTRY_ERR_INVALID = 2"],
        ["GANTRY_NET_DNS = 1, GANTRY_NET_CONNECT,", "GANTRY_NET_DNS = 1,"],
        ["void (*op_free)(gantry_op *op);", "gantry_status (*op_free)(gantry_op *op);"],
        ["  void (*instance_free)(gantry_instance *instance);\n", ""],
        ["typedef int32_t gantry_status;", "typedef int64_t gantry_status;"],
    ]

    @Test(arguments: breaks, languages)
    func anyOtherChangeIsFound(change: [String], language: [String]) throws {
        #expect(try !agrees(changed([(change[0], change[1])]), language))
    }

    /// The header with pieces replaced, each of which has to be there.
    private func changed(_ changes: [(String, String)]) throws -> String {
        var text = header
        for (old, new) in changes {
            try #require(text.contains(old), "the header has no `\(old)`")
            text = text.replacing(old, with: new)
        }
        return text
    }
}
