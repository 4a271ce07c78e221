import HostDatabase
import Synchronization

/// A database that remembers what was published by transactions that were committed, as another host would hear it.
final class PublishingDatabase: Database {
    private let base: any Database
    private let heard = Mutex<[String]>([])

    var dialect: SQLDialect { base.dialect }

    init(_ base: any Database) { self.base = base }

    /// What was published since the last call.
    func takeNotices() -> [String] {
        heard.withLock { heard in
            defer { heard = [] }
            return heard
        }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value { try await base.read(body) }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value {
        let (value, notices) = try await base.write { connection in
            let publishing = PublishingConnection(connection)
            return (try body(publishing), publishing.notices)
        }
        heard.withLock { $0 += notices }
        return value
    }

    func listen(_ handler: @escaping @Sendable (DatabaseNotice) -> Void) {}

    func close() async { await base.close() }
}

private final class PublishingConnection: DatabaseConnection {
    private let base: any DatabaseConnection
    private(set) var notices: [String] = []

    init(_ base: any DatabaseConnection) { self.base = base }

    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int {
        try base.execute(sql, arguments)
    }

    func query(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> [DatabaseRow] {
        try base.query(sql, arguments)
    }

    func publish(_ notice: String) throws(DatabaseError) { notices.append(notice) }
}
