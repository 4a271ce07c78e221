import Foundation
import HostCore
import HostDatabase
import HostRegistry
import PostgreSQLServer
import Synchronization
import Testing

/// Clocks that stand still until a test moves them.
final class SettableClock: WallClock, MonotonicClock {
    private let elapsed = Mutex(Duration.zero)
    static let start: Int64 = 1_800_000_000

    func now() -> UnixTime {
        UnixTime(secondsSince1970: Self.start + elapsed.withLock { $0.components.seconds })
    }

    func now() -> Duration { elapsed.withLock { $0 } }

    func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}

/// The databases that a registry can have.
enum DatabaseKind: String, CaseIterable, Sendable {
    case sqlite
    case postgreSQL
}

/// A registry on an empty database of its own.
struct RegistryFixture {
    static let masterKey = "sk-1234"
    /// All there are, those that refer to others first.
    private static let tables = [
        "upload_parts", "uploads", "webhook_deliveries", "tuned_models", "objects", "file_targets", "file_copies",
        "files", "upload_keys", "workers", "team_members", "keys", "users", "teams", "settings", "schema_version",
    ]

    let registry: Registry
    let clock: SettableClock
    let database: any Database
    /// Opens the same database once more.
    let reopen: @Sendable () async throws -> any Database

    static func with(_ kind: DatabaseKind, _ body: (RegistryFixture) async throws -> Void) async throws {
        switch kind {
        case .sqlite:
            let directory = FileManager.default.temporaryDirectory.path + "/gantry-\(UUID().uuidString)"
            let result = await Result { () async throws in
                try await with({ try await SQLiteDatabase.open(at: directory + "/gantry.db") }, body)
            }
            try FileManager.default.removeItem(atPath: directory)
            try result.get()
        case .postgreSQL:
            let server = try await PostgreSQLServer.shared()
            let url = server.url(database: try await server.makeDatabase(), over: .socket)
            var settings = PostgreSQLSettings()
            // Many tests run at once on one server.
            settings.connectionCount = 4
            let chosen = settings
            try await with({ try await PostgreSQLDatabase.open(url: url, settings: chosen) }, body)
        }
    }

    private static func with(
        _ open: @escaping @Sendable () async throws -> any Database,
        _ body: (RegistryFixture) async throws -> Void
    ) async throws {
        let database = try await open()
        let clock = SettableClock()
        let result = await Result { () async throws in
            let registry = try await registry(on: database, clock: clock)
            try await body(RegistryFixture(registry: registry, clock: clock, database: database, reopen: open))
        }
        await database.close()
        try result.get()
    }

    static func registry(on database: any Database, clock: SettableClock) async throws -> Registry {
        try await Registry(
            database: database,
            clock: clock,
            monotonicClock: clock,
            masterKeyDigest: KeyDigest(of: masterKey)
        )
    }

    /// Another host on the same database: it keeps nothing of this one's memory.
    func otherHost() async throws -> Registry { try await Self.registry(on: database, clock: clock) }

    /// Has a host work, with a lease that no slow machine outlasts.
    func enlist(_ registry: Registry, as host: String) async throws {
        try await registry.enlist(host: host)
        try await execute(
            "UPDATE workers SET alive_until = alive_until + 86400 WHERE host = '\(host)' AND alive_until > 0"
        )
    }

    /// What an SQL statement finds.
    func rows(_ sql: String) async throws -> [DatabaseRow] { try await database.read { try $0.query(sql) } }

    /// Leaves a database that no gateway has prepared.
    func dropTables() async throws {
        for table in Self.tables { try await execute("DROP TABLE \(table)") }
    }

    /// Changes the tables behind the registry's back.
    func execute(_ sql: String) async throws { try await database.write { _ = try $0.execute(sql) } }

    /// A user, with a key, as whoever bears it is seen.
    func principal(_ id: String) async throws -> Principal {
        let made = try await registry.createUser(NewUser(id: UserID(id)), with: NewKey())
        return try await principal(of: made.key)
    }

    func principal(of key: CreatedKey) async throws -> Principal {
        guard case .principal(let principal) = try await registry.principal(forKey: key.text) else {
            throw RegistryError(.notFound, "The new key is not good.")
        }
        return principal
    }

    /// A file that is being made.
    func begin(
        _ principal: Principal,
        at deployments: [String] = ["a", "b"],
        purpose: FilePurpose = .userData,
        filename: String = "paper.pdf",
        expiresAt: UnixTime? = nil,
        sha256: String? = "00ff"
    ) async throws -> ManagedFile {
        let beginning = try await registry.beginFile(
            NewFile(
                for: principal,
                purpose: purpose,
                filename: filename,
                mimeType: "application/pdf",
                content: FileContent(sizeInBytes: 3, sha256: sha256),
                expiresAt: expiresAt,
                targetNames: deployments
            ),
            targets: deployments.map { DeploymentID($0) }
        )
        guard case .begun(let file) = beginning else {
            throw RegistryError(.internalError, "A file without an idempotency key cannot have been made before.")
        }
        return file
    }

    /// A file that can be used.
    func make(
        _ principal: Principal,
        at deployments: [String] = ["a", "b"],
        purpose: FilePurpose = .userData,
        filename: String = "paper.pdf",
        expiresAt: UnixTime? = nil
    ) async throws -> ManagedFile {
        let file = try await begin(
            principal,
            at: deployments,
            purpose: purpose,
            filename: filename,
            expiresAt: expiresAt
        )
        for copy in file.copies {
            try await registry.complete(
                file.id,
                at: copy.deployment,
                providerID: "file-\(copy.deployment)",
                expiresAt: nil
            )
        }
        return try await registry.commitFile(file.id)
    }

    func delete(_ file: ManagedFile, _ principal: Principal) async throws {
        let begun = try await registry.beginDelete(file.id, for: principal, clientID: "x")
        for copy in begun.copies {
            try await registry.forget(file.id, at: copy.deployment, providerID: copy.providerID)
        }
        try await registry.finish(file.id)
    }

    func find(
        _ file: ManagedFile,
        _ principal: Principal,
        _ action: FileAction = .read
    ) async throws -> ManagedFile {
        try await registry.file(file.id, for: principal, action: action, clientID: "file-x")
    }

    func reference(_ file: ManagedFile) -> RequestedFile { RequestedFile(id: file.id, clientID: "file-x") }

    func list(
        _ principal: Principal,
        limit: Int = 10_000,
        after: ManagedFile? = nil,
        order: FileListing.Order = .newestFirst,
        purpose: FilePurpose? = nil,
        deployments: [String]? = nil
    ) async throws -> FilePage {
        let listing = try FileListing(
            limit: limit,
            after: after.map(reference),
            order: order,
            purpose: purpose,
            deployments: deployments.map { Set($0.map { DeploymentID($0) }) }
        )
        return try await registry.listFiles(for: principal, listing)
    }
}

/// Expects that a body breaks a rule.
func expectBrokenRule(
    _ code: RuleError.Code,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async throws {
    do {
        try await body()
        Issue.record("nothing was refused", sourceLocation: sourceLocation)
    } catch let error as RuleError {
        #expect(error.code == code, sourceLocation: sourceLocation)
    }
}

/// Expects that the registry refuses a body.
func expectRefusal(
    _ code: RegistryError.Code,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async throws {
    do {
        try await body()
        Issue.record("nothing was refused", sourceLocation: sourceLocation)
    } catch let error as RegistryError {
        #expect(error.code == code, sourceLocation: sourceLocation)
    }
}

extension Result where Failure == any Error {
    /// What a body returns or throws.
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
