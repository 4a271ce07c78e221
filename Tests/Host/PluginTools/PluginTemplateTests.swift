import CGantryTemplates
import Foundation
import Testing

@testable import HostPluginTools

struct PluginTemplateTests {
    private static let root = URL(filePath: #filePath).pathComponents.dropLast(4).joined(separator: "/").dropFirst()

    /// Every file below a folder, by its path in there.
    private func files(in folder: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        let base = URL(filePath: "\(Self.root)/\(folder)")
        for path in try FileManager.default.subpathsOfDirectory(atPath: base.path) {
            let file = base.appending(path: path)
            if try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true {
                files[path] = Array(try Data(contentsOf: file))
            }
        }
        return files
    }

    @Test
    func everyFileOfTheTemplatesAndOfTheSDKIsEmbeddedAsItIs() throws {
        var expected: [String: [UInt8]] = [:]
        for language in PluginTemplate.Language.allCases.map(\.rawValue) {
            for (path, bytes) in try files(in: "SDK/Templates/\(language)") { expected["\(language)/\(path)"] = bytes }
        }
        for folder in ["CGantryPlugin", "GantryPlugin"] {
            for (path, bytes) in try files(in: "SDK/\(folder)") where path != "exports.map" {
                expected["swift/SDK/\(folder)/\(path)"] = bytes
            }
        }
        let header = expected["swift/SDK/CGantryPlugin/include/gantry_plugin.h"]
        let exports = Array(try Data(contentsOf: URL(filePath: "\(Self.root)/SDK/CGantryPlugin/exports.map")))
        for language in ["c", "rust"] { expected["\(language)/gantry_plugin.h"] = header }
        for language in ["c", "swift"] { expected["\(language)/exports.map"] = exports }
        expected["swift/.swift-format"] = Array(try Data(contentsOf: URL(filePath: "\(Self.root)/.swift-format")))

        let embedded = Dictionary(PluginTemplate.embedded.map { ($0.path, $0.bytes) }) { first, _ in first }

        #expect(PluginTemplate.embedded.count == embedded.count)
        #expect(Set(embedded.keys) == Set(expected.keys), "add what is missing to SDK/Templates/templates.c")
        for (path, bytes) in expected { #expect(embedded[path] == bytes, "\(path)") }
    }

    @Test(arguments: PluginTemplate.Language.allCases)
    func thePluginHasTheNameThatItWasGiven(language: PluginTemplate.Language) throws {
        let files = try PluginTemplate(language, name: "my-own_1").files
        let paths = files.map(\.path)
        let own = files.filter { !$0.path.hasPrefix("SDK/") && $0.path != "gantry_plugin.h" }
        let text = own.map { String(decoding: $0.bytes, as: UTF8.self) }.joined()

        #expect(paths.contains("my-own_1.yaml") && paths.contains("README.md") && paths.contains("test.sh"))
        #expect(text.contains("MY_OWN_1_API_KEY") && text.contains("libgantry-plugin-my-own_1.so"))
        #expect(!text.lowercased().contains("acme") && !paths.joined().lowercased().contains("acme"))
    }

    @Test(arguments: PluginTemplate.Language.allCases)
    func noLineGetsTooLongByALongName(language: PluginTemplate.Language) throws {
        let files = try PluginTemplate(language, name: String(repeating: "n", count: 32)).files

        for file in files where file.path.hasSuffix(".swift") && !file.path.hasPrefix("SDK/") {
            for line in String(decoding: file.bytes, as: UTF8.self).split(separator: "\n") {
                #expect(line.count <= 120, "\(file.path): \(line)")
            }
        }
    }

    @Test(arguments: PluginTemplate.Language.allCases)
    func theReadmeIsShort(language: PluginTemplate.Language) throws {
        let readme = try #require(try PluginTemplate(language, name: "a").files.first { $0.path == "README.md" })

        #expect(readme.bytes.split(separator: 0x0a, omittingEmptySubsequences: false).count <= 11)
    }

    @Test(arguments: [
        "", "A", "-a", "1a", "a b", "a/b", "..", "é", "a\n", "a.b", String(repeating: "a", count: 33),
    ])
    func aNameThatIsNoIdIsRefused(name: String) {
        #expect(throws: ToolError.self) { try PluginTemplate(.c, name: name) }
    }

    @Test
    func whatIsWrittenIsWritableByItsOwnerAlone() throws {
        let folder = NSTemporaryDirectory() + "gantry-template-" + UUID().uuidString
        try PluginTemplate(.rust, name: "mine").write(to: folder)
        var modes: [String: Int] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder) + [""] {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)")[.posixPermissions]
            modes[path] = mode as? Int
        }

        #expect(modes[""] == 0o755)
        #expect(modes["mine.yaml"] == 0o644)
        #expect(modes["test.sh"] == 0o755)
        #expect(modes.values.allSatisfy { $0 & 0o022 == 0 })
        #expect(throws: ToolError.self) { try PluginTemplate(.rust, name: "mine").write(to: folder) }
        try FileManager.default.removeItem(atPath: folder)
    }
}
