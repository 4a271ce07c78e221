import HostCore

/// What a member is called in its team; both have the same rights in Gantry.
package enum TeamRole: String, Sendable, CaseIterable {
    case admin
    case user
}

/// A user in a team.
package struct TeamMember: Hashable, Sendable {
    package let userID: UserID
    package let role: TeamRole

    /// Makes a member.
    package init(userID: UserID, role: TeamRole = .user) {
        self.userID = userID
        self.role = role
    }
}
