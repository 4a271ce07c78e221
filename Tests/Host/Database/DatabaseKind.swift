import HostDatabase
import PostgreSQLServer

/// The databases that keep to one protocol.
enum DatabaseKind: String, CaseIterable, Sendable {
    case sqlite
    case postgreSQL

    /// Opens an empty database and closes it after a body.
    func withDatabase(_ body: (any Database) async throws -> Void) async throws {
        switch self {
        case .sqlite: try await TemporaryDirectory.withDatabase { try await body($0) }
        case .postgreSQL:
            let server = try await PostgreSQLServer.shared()
            try await server.withDatabase { try await body($0) }
        }
    }
}

extension PostgreSQLServer {
    /// Opens an empty database on this server and closes it after a body.
    func withDatabase(
        settings: PostgreSQLSettings = PostgreSQLSettings(),
        over transport: Transport = .socket,
        _ body: (PostgreSQLDatabase) async throws -> Void
    ) async throws {
        let url = url(database: try await makeDatabase(), over: transport)
        let database = try await PostgreSQLDatabase.open(url: url, settings: settings)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(database))
        } catch {
            result = .failure(error)
        }
        await database.close()
        try result.get()
    }

    /// Starts a server for a body and stops it.
    static func with(configuration: [String] = [], _ body: (PostgreSQLServer) async throws -> Void) async throws {
        let server = try await start(configuration: configuration)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        await server.discard()
        try result.get()
    }
}

extension PostgreSQLServer {
    /// Whether something has a value within 10 s.
    func becomes(_ value: String, _ current: () async throws -> String) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while try await current() != value {
            if .now > end { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }
}
