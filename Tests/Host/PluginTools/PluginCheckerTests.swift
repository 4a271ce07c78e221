import Foundation
import HostPluginTools
import HostPlugins
import Testing

/// The rules about a library's file, which need no worker.
struct PluginCheckerTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "gantry-checker-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(
            at: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    private static func fixture(_ machine: String) throws -> Data {
        try Data(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Fixtures/Minor0/minor0-\(machine).so").standardized
        )
    }

    #if arch(x86_64)
    private static let machines = (own: "x86_64", other: "aarch64")
    #else
    private static let machines = (own: "aarch64", other: "x86_64")
    #endif

    /// Checks the bytes of a library with a worker that cannot be started.
    private func rows(
        _ bytes: Data,
        mode: Int = 0o600,
        rules: [String] = []
    ) throws -> [String: PluginCheckReport.Row] {
        let library = folder.appending(path: "a.so")
        try bytes.write(to: library)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: library.path)
        let report = try checker().check(library.path, rules: rules)
        return Dictionary(uniqueKeysWithValues: report.rules.map { ($0.rule, $0) })
    }

    private func checker(scripts: [(path: String, text: [UInt8])] = []) throws -> PluginChecker {
        try PluginChecker(
            scripts: scripts,
            parameters: [],
            limit: .seconds(1),
            executable: folder.appending(path: "no-worker").path
        )
    }

    @Test
    func aTruncatedLibraryIsNotRun() throws {
        let whole = try Self.fixture(Self.machines.own)
        let rows = try rows(whole.prefix(whole.count / 2))

        #expect(rows["file"]?.result == .passed)
        #expect(rows["form"]?.result == .failed)
        #expect(rows["form"]?.what?.contains("truncated") == true)
        #expect(rows["scripts"]?.result == .skipped)
        try FileManager.default.removeItem(at: folder)
    }

    @Test
    func aLibraryForAnotherMachineIsNotRun() throws {
        let rows = try rows(Self.fixture(Self.machines.other))

        #expect(rows["form"]?.what?.contains("another machine") == true)
        #expect(rows["exports"]?.result == .skipped)
        try FileManager.default.removeItem(at: folder)
    }

    @Test
    func aLibraryThatOthersCanWriteToIsNotRead() throws {
        let rows = try rows(Self.fixture(Self.machines.own), mode: 0o666)

        #expect(rows["file"]?.result == .failed)
        #expect(rows["file"]?.what?.contains("may write to it") == true)
        #expect(rows["form"]?.result == .skipped)
        try FileManager.default.removeItem(at: folder)
    }

    @Test
    func theRulesAboutTheFileNeedNoWorker() throws {
        let rows = try rows(Self.fixture(Self.machines.own), rules: ["file", "form", "stack", "exports"])

        #expect(rows.count == 4)
        #expect(rows.values.allSatisfy { $0.result == .passed })
        try FileManager.default.removeItem(at: folder)
    }

    @Test
    func withoutAWorkerNothingIsSaidOfTheOthers() throws {
        let bytes = try Self.fixture(Self.machines.own)
        let error = try #require(throws: PluginError.self) { try rows(bytes, rules: ["scripts"]) }

        #expect(error.message.contains("beside `gantry`"))
        try FileManager.default.removeItem(at: folder)
    }

    @Test
    func unknownRulesAndBrokenScriptsAreRefused() throws {
        #expect(throws: ToolError.self) { try rows(Data(), rules: ["flying"]) }
        let error = try #require(throws: ToolError.self) {
            try checker(scripts: [(path: "b.script", text: Array("name x".utf8))])
        }

        #expect(error.message.hasPrefix("b.script: line 1: "))
        try FileManager.default.removeItem(at: folder)
    }
}
