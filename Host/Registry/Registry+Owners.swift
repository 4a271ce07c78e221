import HostCore
import HostDatabase

extension Registry {
    /// Checks that an owner exists, and keeps it so until the end of the transaction: who is made anew under the same id
    /// must not inherit what is made now.
    ///
    /// - Throws: ``RegistryError`` with `.conflict`.
    static func check(_ owner: Owner, _ sharedRowLock: String, in connection: any DatabaseConnection) throws {
        let (table, id): (String, String)
        switch owner {
        case .user(Principal.masterUser): return
        case .user(let user): (table, id) = ("users", user.description)
        case .team(let team): (table, id) = ("teams", team.description)
        case .key(let key): (table, id) = ("keys", key.description)
        }
        guard try connection.query("SELECT id FROM \(table) WHERE id = $1 \(sharedRowLock)", [.text(id)]).isEmpty else {
            return
        }
        throw RegistryError(.conflict, "The user, team or key that this would belong to has been deleted.")
    }
}
