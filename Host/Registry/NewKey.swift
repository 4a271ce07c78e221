import HostCore

/// An API key to be made.
package struct NewKey: Sendable {
    package let id: KeyID
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
    package let isBlocked: Bool
    package let expiry: KeyExpiry
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
        isBlocked: Bool = false,
        expiry: KeyExpiry = .never,
        maximumBudget: Double? = nil
    ) {
        id = KeyID(RecordUUID.random().text)
        self.alias = alias
        self.userID = userID
        self.teamID = teamID
        self.models = models
        self.role = role
        self.metadata = metadata
        self.allowsRawFileIDs = allowsRawFileIDs
        self.isBlocked = isBlocked
        self.expiry = expiry
        self.maximumBudget = maximumBudget
    }

    /// The same for a user.
    func of(_ user: UserID) -> NewKey {
        NewKey(
            alias: alias,
            userID: user,
            teamID: teamID,
            models: models,
            role: role,
            metadata: metadata,
            allowsRawFileIDs: allowsRawFileIDs,
            isBlocked: isBlocked,
            expiry: expiry,
            maximumBudget: maximumBudget
        )
    }
}
