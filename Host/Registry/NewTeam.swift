import HostCore

/// A team to be made.
package struct NewTeam: Sendable {
    package let id: TeamID
    package let alias: String?
    /// The models that the team's keys may use; empty for all.
    package let models: [String]
    /// JSON, kept as it is.
    package let metadata: String?
    /// In US dollars.
    package let maximumBudget: Double?
    /// Whether the team's keys are refused.
    package let isBlocked: Bool
    package let members: [TeamMember]

    /// Describes a team.
    ///
    /// The id is 1 to 256 printable characters in Unicode normalization form C; nil for a random one.
    package init(
        id: TeamID? = nil,
        alias: String? = nil,
        models: [String] = [],
        metadata: String? = nil,
        maximumBudget: Double? = nil,
        isBlocked: Bool = false,
        members: [TeamMember] = []
    ) {
        self.id = id ?? TeamID(RecordUUID.random().text)
        self.alias = alias
        self.models = models
        self.metadata = metadata
        self.maximumBudget = maximumBudget
        self.isBlocked = isBlocked
        self.members = members
    }
}
