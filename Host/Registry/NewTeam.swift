import HostCore

/// A team to be made.
package struct NewTeam: Sendable {
    package let id: TeamID
    package let alias: String?
    /// The models that the team's keys may use; empty for all.
    package let models: [String]

    /// Describes a team.
    ///
    /// The id is 1 to 256 printable characters in Unicode normalization form C; nil for a random one.
    package init(id: TeamID? = nil, alias: String? = nil, models: [String] = []) {
        self.id = id ?? TeamID(RecordUUID.random().text)
        self.alias = alias
        self.models = models
    }
}
