import HostCore

/// Which keys a list is to show; nil for all.
package struct KeyFilter: Hashable, Sendable {
    package let id: KeyID?
    package let userID: UserID?
    package let teamID: TeamID?
    package let alias: String?

    /// Describes a list.
    package init(id: KeyID? = nil, userID: UserID? = nil, teamID: TeamID? = nil, alias: String? = nil) {
        self.id = id
        self.userID = userID
        self.teamID = teamID
        self.alias = alias
    }
}
