import HostCore

/// What is to be different about a key; nil for what stays.
package struct KeyChange: Sendable {
    /// Empty for none.
    package let alias: String?
    package let userID: UserID?
    package let teamID: TeamID?
    package let models: [String]?
    /// JSON, kept as it is.
    package let metadata: String?
    package let allowsRawFileIDs: Bool?
    package let isBlocked: Bool?
    package let expiry: KeyExpiry?
    /// In US dollars.
    package let maximumBudget: Double?

    /// Describes a change.
    package init(
        alias: String? = nil,
        userID: UserID? = nil,
        teamID: TeamID? = nil,
        models: [String]? = nil,
        metadata: String? = nil,
        allowsRawFileIDs: Bool? = nil,
        isBlocked: Bool? = nil,
        expiry: KeyExpiry? = nil,
        maximumBudget: Double? = nil
    ) {
        self.alias = alias
        self.userID = userID
        self.teamID = teamID
        self.models = models
        self.metadata = metadata
        self.allowsRawFileIDs = allowsRawFileIDs
        self.isBlocked = isBlocked
        self.expiry = expiry
        self.maximumBudget = maximumBudget
    }

    /// Whether a key's user, team or models change.
    var touchesOwnership: Bool { userID != nil || teamID != nil || models != nil }

    /// Whether the key may be able to do more afterwards.
    var mayGrant: Bool { touchesOwnership || allowsRawFileIDs != nil || expiry != nil || isBlocked == false }
}
