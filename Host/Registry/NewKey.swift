import HostCore

/// An API key to be made.
package struct NewKey: Sendable {
    package let alias: String?
    package let userID: UserID?
    package let teamID: TeamID?
    /// The models that the key may use; empty for all that its user and team may use.
    package let models: [String]
    /// Nil for the role of the key's user.
    package let role: Role?
    /// JSON, kept as it is.
    package let metadata: String?
    package let allowsRawFileIDs: Bool
    /// Nil for a key that does not expire.
    package let lifetime: Duration?
    /// In US dollars.
    package let maximumBudget: Double?

    /// Describes a key; one with neither user nor team owns by itself what it makes.
    package init(
        alias: String? = nil,
        userID: UserID? = nil,
        teamID: TeamID? = nil,
        models: [String] = [],
        role: Role? = nil,
        metadata: String? = nil,
        allowsRawFileIDs: Bool = false,
        lifetime: Duration? = nil,
        maximumBudget: Double? = nil
    ) {
        self.alias = alias
        self.userID = userID
        self.teamID = teamID
        self.models = models
        self.role = role
        self.metadata = metadata
        self.allowsRawFileIDs = allowsRawFileIDs
        self.lifetime = lifetime
        self.maximumBudget = maximumBudget
    }
}
