import HostCore
import HostDatabase

/// On whose authority a key is made or changed.
package enum KeyAuthority: Hashable, Sendable {
    /// The master key, or the gateway itself: any key of anybody.
    case administrator
    /// An administrator with one of its keys: any key of anybody.
    case administratorKey(KeyID)
    /// A user with one of its keys: its own keys, and none that can do more than the key it uses.
    case owner(UserID, using: KeyID)

    /// The authority of whoever asks.
    ///
    /// - Throws: ``RegistryError`` with `.forbidden` for a viewer, and for a key without a user.
    package init(_ principal: Principal) throws(RegistryError) {
        switch (principal.role, principal.userID) {
        case (.admin, _): self = principal == .master ? .administrator : .administratorKey(principal.keyID)
        case (.user, let user?): self = .owner(user, using: principal.keyID)
        case (.user, nil), (.viewer, _):
            throw RegistryError(
                .forbidden,
                "\(principal.displayName) may not make or change keys: this needs an administrator."
            )
        }
    }

    /// What a key of this authority may be at most; nil for anything.
    ///
    /// It is read anew: the key may have been changed since whoever asks was let in.
    ///
    /// - Throws: ``RegistryError`` with `.forbidden` if the key can no longer be used.
    func limits(at now: UnixTime, in connection: any DatabaseConnection, _ dialect: SQLDialect) throws -> KeyLimits? {
        switch self {
        case .administrator: return nil
        case .administratorKey(let id):
            let (_, principal) = try bearer(of: id, at: now, in: connection, dialect)
            guard principal.role == .admin else { throw Self.changed }
            return nil
        case .owner(let user, let id):
            let (row, principal) = try bearer(of: id, at: now, in: connection, dialect)
            guard principal.userID == user, principal.role == .user else { throw Self.changed }
            return KeyLimits(user: user, principal: principal, own: try KeyRecord(row))
        }
    }

    /// Who bears the key that is used, which stays as it is until the end of the transaction.
    private func bearer(
        of id: KeyID,
        at now: UnixTime,
        in connection: any DatabaseConnection,
        _ dialect: SQLDialect
    ) throws -> (DatabaseRow, Principal) {
        let locked = try connection.query(
            "SELECT * FROM keys WHERE id = $1 \(dialect.rowLock)",
            [.text(id.description)]
        )
        let known = try connection.query(Registry.knownKeyQuery(where: "k.id = $1"), [.text(id.description)])
        guard let row = locked.first, let bearer = try KnownKey(known),
            case .principal(let principal) = bearer.lookup(now: now)
        else { throw Self.changed }
        return (row, principal)
    }

    private static let changed = RegistryError(
        .forbidden,
        "The key of this request has just been changed: it may not do this."
    )
}
