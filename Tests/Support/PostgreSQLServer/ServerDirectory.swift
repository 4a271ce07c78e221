import Foundation
import Synchronization

/// Where the servers of this process lie; removed when it ends.
struct ServerDirectory: Sendable {
    private static let preparation = Mutex<Task<ServerDirectory, any Error>?>(nil)
    private static let count = Atomic(0)

    /// The folder of `initdb` and `postgres`.
    let programs: String
    private let path: String

    /// The directory, with one cluster in it that is copied for each server.
    static func shared() async throws -> ServerDirectory {
        let task = preparation.withLock { preparation in
            let task = preparation ?? Task { try await ServerDirectory.make() }
            preparation = task
            return task
        }
        return try await task.value
    }

    /// Copies the cluster.
    ///
    /// - Returns: A directory of its own with the cluster in `data`.
    func copyCluster() async throws -> String {
        let copy = "\(path)/\(Self.count.add(1, ordering: .relaxed).newValue)"
        try Self.makeDirectory(copy)
        try await Command.run("/bin/cp", ["-a", path + "/cluster", copy + "/data"])
        return copy
    }

    private static func make() async throws -> ServerDirectory {
        // Not TMPDIR: the name of a socket has to be short.
        let path = "/tmp/gantry-pg-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 36))"
        let directory = ServerDirectory(programs: try findPrograms(), path: path)
        try makeDirectory(path)
        try Watchdog.start(path)
        try ServerAccount.write(Data(PostgreSQLServer.plainPassword.utf8), to: path + "/password")
        let (program, arguments) = ServerAccount.command(
            directory.programs + "/initdb",
            [
                "--pgdata=\(path)/cluster", "--username=\(PostgreSQLServer.user)", "--pwfile=\(path)/password",
                "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
            ]
        )
        try await Command.run(program, arguments)
        return directory
    }

    private static func makeDirectory(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 else {
            throw PostgreSQLServerError(description: "The directory \(path) cannot be made.")
        }
        try ServerAccount.own(path)
    }

    private static func findPrograms() throws -> String {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let debian = versions.sorted { $0.compare($1, options: .numeric) == .orderedDescending }
            .map { "/usr/lib/postgresql/\($0)/bin" }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = debian + path.split(separator: ":").map(String.init)
        guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }) else {
            throw PostgreSQLServerError(description: "PostgreSQL's initdb is missing: install Debian's 'postgresql'.")
        }
        return folder
    }
}
