import HostCore
import HostDatabase

/// What is known about a user.
package struct UserRecord: Hashable, Sendable {
    package let id: UserID
    package let alias: String?
    package let email: String?
    package let role: Role
    /// The models that the user's keys may use; empty for all.
    package let models: [String]
    /// JSON, as it was given.
    package let metadata: String?
    /// In US dollars.
    package let maximumBudget: Double?
    package let createdAt: UnixTime
    /// The user's keys, oldest first.
    package let keys: [KeyRecord]
}

extension UserRecord {
    init(_ new: NewUser, createdAt: UnixTime) {
        id = new.id
        alias = new.alias
        email = new.email
        role = new.role
        models = new.models
        metadata = new.metadata
        maximumBudget = new.maximumBudget
        self.createdAt = createdAt
        keys = []
    }

    init(_ row: DatabaseRow, keys: [KeyRecord]) throws {
        guard let role = try row.role("role") else { throw RegistryError.unreadable("role") }
        id = UserID(try row.text("id"))
        alias = try row.textIfPresent("alias")
        email = try row.textIfPresent("email")
        self.role = role
        models = try JSONText.decode(row.text("models"), column: "models")
        metadata = try row.textIfPresent("metadata")
        maximumBudget = try row.realIfPresent("max_budget")
        createdAt = UnixTime(secondsSince1970: try row.integer("created_at"))
        self.keys = keys
    }
}
