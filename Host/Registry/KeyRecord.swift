import HostCore
import HostDatabase

/// What is known about an API key: everything but the key.
package struct KeyRecord: Hashable, Sendable {
    package let id: KeyID
    package let digest: KeyDigest
    /// `sk-...` and the key's last four characters.
    package let display: String
    package let alias: String?
    package let userID: UserID?
    package let teamID: TeamID?
    /// The models that the key may use; empty for all that its user and team may use.
    package let models: [String]
    /// Nil for the role of the key's user.
    package let role: Role?
    /// JSON, as it was given.
    package let metadata: String?
    package let allowsRawFileIDs: Bool
    package let isBlocked: Bool
    /// Whether the key's own user blocked it, and may unblock it.
    let isBlockedByUser: Bool
    package let createdAt: UnixTime
    package let expiresAt: UnixTime?
    package let lastUsedAt: UnixTime?
    /// In US dollars.
    package let maximumBudget: Double?
}

extension KeyRecord {
    init(_ row: DatabaseRow) throws {
        guard let digest = KeyDigest(bytes: try row.blob("digest")) else { throw RegistryError.unreadable("digest") }
        id = KeyID(try row.text("id"))
        self.digest = digest
        display = try row.text("display")
        alias = try row.textIfPresent("alias")
        userID = try row.textIfPresent("user_id").map { UserID($0) }
        teamID = try row.textIfPresent("team_id").map { TeamID($0) }
        models = try JSONText.decode(row.text("models"), column: "models")
        role = try row.role("role")
        metadata = try row.textIfPresent("metadata")
        allowsRawFileIDs = try row.bool("allow_raw_file_ids")
        isBlocked = try row.bool("blocked")
        isBlockedByUser = try isBlocked && row.bool("blocked_by_user")
        createdAt = UnixTime(secondsSince1970: try row.integer("created_at"))
        expiresAt = try row.time("expires_at")
        lastUsedAt = try row.time("last_used_at")
        maximumBudget = try row.realIfPresent("max_budget")
    }
}

extension DatabaseRow {
    /// The moment in a column, or nil for null.
    func time(_ column: String) throws -> UnixTime? {
        try integerIfPresent(column).map { UnixTime(secondsSince1970: $0) }
    }

    /// The role in a column, or nil for null.
    func role(_ column: String) throws -> Role? {
        guard let text = try textIfPresent(column) else { return nil }
        guard let role = Role(rawValue: text) else { throw RegistryError.unreadable("role") }
        return role
    }
}
