import Foundation

/// `tiny.c`, compiled as it is or to break one rule, in a folder of its own.
struct CompiledPlugin {
    struct CompilerFailed: Error {
        let output: String
    }

    let folder: URL
    let library: URL

    /// Compiles the plugin.
    init(breaking rule: String? = nil) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "gantry-conformance-\(UUID().uuidString)")
        library = folder.appending(path: "tiny.so")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let include = tests.appending(path: "../../SDK/CGantryPlugin/include").standardized
        var arguments = [
            "cc", "-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-Wall", "-Wextra", "-Wno-unused", "-Werror",
            "-I", include.path, "-o", library.path,
            tests.appending(path: "../Fixtures/Conformance/tiny.c").standardized.path, "-lpthread",
        ]
        if let rule { arguments.append("-DBREAKS_" + rule.replacing("-", with: "_")) }
        let result = try ChildProcess.run(URL(filePath: "/usr/bin/env"), arguments)
        guard result.status == 0 else { throw CompilerFailed(output: result.output) }
    }

    func remove() throws { try FileManager.default.removeItem(at: folder) }
}

/// A process that is waited for.
enum ChildProcess {
    struct Result {
        /// The exit status, or the number of the signal below zero.
        let status: Int32
        let output: String
    }

    /// Runs an executable and collects what it writes to its standard output.
    static func run(_ executable: URL, _ arguments: [String]) throws -> Result {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let isSignal = process.terminationReason == .uncaughtSignal
        return Result(
            status: isSignal ? -process.terminationStatus : process.terminationStatus,
            output: String(decoding: output, as: UTF8.self)
        )
    }
}
