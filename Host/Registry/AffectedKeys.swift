import HostCore
import HostDatabase

/// The keys whose bearers are somebody else after a change.
enum AffectedKeys: Sendable {
    case some([KeyDigest])
    case all

    /// More than these are not told one by one.
    private static let maximumNotices = 16

    var notices: [RegistryNotice] {
        switch self {
        case .some(let digests) where digests.count <= Self.maximumNotices: digests.map { .key($0) }
        case .some, .all: [.keys]
        }
    }
}

extension Registry {
    /// Runs a writing transaction that changes who may do what: this host knows at once, and the others are told in the
    /// same transaction.
    func changePrincipals<Value: Sendable>(
        _ purpose: String,
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> (Value, AffectedKeys)
    ) async throws(RegistryError) -> Value {
        let (value, affected) = try await change(purpose) { connection in
            let (value, affected) = try body(connection)
            for notice in affected.notices { try connection.publish(notice.text) }
            return (value, affected)
        }
        switch affected {
        case .some(let digests): forget(digests)
        case .all: forgetEverybody()
        }
        return value
    }
}
