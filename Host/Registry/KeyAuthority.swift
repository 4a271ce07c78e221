import HostCore
import HostDatabase

/// On whose authority a key is made or changed.
package enum KeyAuthority: Hashable, Sendable {
    /// An administrator: any key of anybody.
    case administrator
    /// A user with one of its keys: its own keys, and none that can do more than the key it uses.
    case owner(UserID, using: KeyID)

    /// The authority of whoever asks.
    ///
    /// - Throws: ``RegistryError`` with `.forbidden` for a viewer, and for a key without a user.
    package init(_ principal: Principal) throws(RegistryError) {
        switch (principal.role, principal.userID) {
        case (.admin, _): self = .administrator
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
        guard case .owner(let user, let id) = self else { return nil }
        let locked = try connection.query(
            "SELECT * FROM keys WHERE id = $1 \(dialect.rowLock)",
            [.text(id.description)]
        )
        let known = try connection.query(Registry.knownKeyQuery(where: "k.id = $1"), [.text(id.description)])
        guard let row = locked.first, let bearer = try KnownKey(known),
            case .principal(let principal) = bearer.lookup(now: now), principal.userID == user, principal.role == .user
        else {
            throw RegistryError(.forbidden, "The key of this request has just been changed: it may not do this.")
        }
        return KeyLimits(user: user, principal: principal, own: try KeyRecord(row))
    }
}
