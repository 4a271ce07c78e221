import HostCore

/// Which users a list is to show; nil for all.
package struct UserFilter: Hashable, Sendable {
    package let ids: [UserID]?
    package let role: Role?
    package let email: String?
    package let teamID: TeamID?

    /// Describes a list.
    package init(ids: [UserID]? = nil, role: Role? = nil, email: String? = nil, teamID: TeamID? = nil) {
        self.ids = ids
        self.role = role
        self.email = email
        self.teamID = teamID
    }
}
