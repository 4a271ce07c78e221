import Foundation
import Synchronization

/// A PostgreSQL server of the tests' own: in a temporary directory, on a socket and a free port of 127.0.0.1.
///
/// On the socket everybody is trusted; over TCP a password is asked for (SCRAM). The server does not wait for the disk:
/// what it wrote outlives any death of its processes, if not that of the machine. It ends, and its directory goes, with
/// the process that started it, however that ends.
package final class PostgreSQLServer: Sendable {
    package enum Transport: String, CaseIterable, Sendable {
        case socket
        case tcp
    }

    package enum StopMode: String, Sendable {
        /// Ends the sessions and writes everything out.
        case fast
        /// Ends as in a loss of power.
        case immediate
    }

    /// The superuser's name.
    package static let user = "gantry"
    /// The superuser's password, as it stands in a URL.
    package static let encodedPassword = "p%40ss%2Fword%3F%3A"
    private static let password = "p@ss/word?:"
    private static let sharedStart = Mutex<Task<PostgreSQLServer, any Error>?>(nil)
    private static let databaseCount = Atomic(0)

    /// The port on 127.0.0.1.
    package let port: Int
    /// The directory of the socket.
    package let socketDirectory: String
    private let dataDirectory: String
    private let programs: String

    /// The server that tests share which do not stop it; started once a process.
    ///
    /// - Throws: ``PostgreSQLServerError`` if it cannot be started.
    package static func shared() async throws -> PostgreSQLServer {
        let task = sharedStart.withLock { start in
            let task = start ?? Task { try await PostgreSQLServer.start() }
            start = task
            return task
        }
        return try await task.value
    }

    /// Starts a server that one test has for itself.
    ///
    /// - Parameters:
    ///   - configuration: Lines of postgresql.conf.
    ///   - files: Files for the data directory, readable by the server alone.
    /// - Returns: The server, which has started.
    /// - Throws: ``PostgreSQLServerError`` if it cannot be started.
    package static func start(
        configuration: [String] = [],
        files: [String: Data] = [:]
    ) async throws -> PostgreSQLServer {
        let directory = try await ServerDirectory.shared()
        let server = PostgreSQLServer(
            port: try freePort(),
            directory: try await directory.copyCluster(),
            programs: directory.programs
        )
        try server.configure(configuration, files)
        try await server.start()
        return server
    }

    private init(port: Int, directory: String, programs: String) {
        self.port = port
        self.programs = programs
        socketDirectory = directory
        dataDirectory = directory + "/data"
    }

    /// The URL of a database.
    package func url(
        database: String,
        over transport: Transport = .socket,
        password: String = PostgreSQLServer.encodedPassword,
        _ parameters: String...
    ) -> String {
        switch transport {
        case .socket:
            let query = ["host=\(socketDirectory)", "port=\(port)"] + parameters
            return "postgresql://\(Self.user)@/\(database)?" + query.joined(separator: "&")
        case .tcp:
            let query = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
            return "postgresql://\(Self.user):\(password)@127.0.0.1:\(port)/\(database)\(query)"
        }
    }

    /// Makes an empty database.
    ///
    /// - Returns: Its name.
    /// - Throws: ``PostgreSQLServerError``.
    package func makeDatabase() async throws -> String {
        let name = "gantry_\(Self.databaseCount.add(1, ordering: .relaxed).newValue)"
        _ = try await run("CREATE DATABASE \(name)")
        return name
    }

    /// Runs SQL as the superuser.
    ///
    /// - Returns: The rows, one a line, without header; columns are separated by `|`.
    /// - Throws: ``PostgreSQLServerError``.
    @discardableResult
    package func run(_ sql: String, in database: String = "postgres") async throws -> String {
        try await Command.run(
            programs + "/psql",
            [
                "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
                "--dbname=\(url(database: database))", "--command=\(sql)",
            ]
        )
    }

    /// Starts the server again.
    ///
    /// - Throws: ``PostgreSQLServerError``; with the end of its log.
    package func start() async throws {
        do {
            try await control("start", "--log=\(socketDirectory)/log", "--timeout=60", "--wait")
        } catch {
            let log = String(
                decoding: FileManager.default.contents(atPath: socketDirectory + "/log") ?? Data(),
                as: UTF8.self
            )
            throw PostgreSQLServerError(description: "\(error)\n\(log.suffix(2000))")
        }
    }

    /// Stops the server; it keeps its data.
    ///
    /// - Throws: ``PostgreSQLServerError``.
    package func stop(_ mode: StopMode = .fast) async throws {
        try await control("stop", "--mode=\(mode.rawValue)", "--timeout=60", "--wait")
    }

    /// Stops and starts the server.
    ///
    /// - Throws: ``PostgreSQLServerError``.
    package func restart(_ mode: StopMode = .fast) async throws {
        try await stop(mode)
        try await start()
    }

    /// Stops a server that nobody needs any more; one that has stopped already stays so.
    package func discard() async {
        do {
            try await stop(.immediate)
        } catch {
            // What is left ends with this process.
        }
    }

    private func control(_ arguments: String...) async throws {
        let (program, arguments) = ServerAccount.command(
            programs + "/pg_ctl",
            ["--pgdata=\(dataDirectory)", "--silent"] + arguments
        )
        try await Command.run(program, arguments)
    }

    private func configure(_ lines: [String], _ files: [String: Data]) throws {
        let path = dataDirectory + "/postgresql.auto.conf"
        let own = [
            "listen_addresses = '127.0.0.1'", "port = \(port)", "unix_socket_directories = '\(socketDirectory)'",
            "max_connections = 600", "shared_buffers = 16MB", "log_min_messages = log", "fsync = off",
        ]
        let text = (own + lines).joined(separator: "\n") + "\n"
        try ServerAccount.write(Data(text.utf8), to: path)
        for (name, content) in files { try ServerAccount.write(content, to: dataDirectory + "/" + name) }
    }

    /// A port that nobody listens on at this moment.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard status == 0 else { throw PostgreSQLServerError(description: "There is no free port on 127.0.0.1.") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// The password, for the directory that makes the cluster.
    static var plainPassword: String { password }
}
