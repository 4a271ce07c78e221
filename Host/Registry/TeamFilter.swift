import HostCore

/// Which teams a list is to show; nil for all.
package struct TeamFilter: Hashable, Sendable {
    package let ids: [TeamID]?
    package let alias: String?
    /// Only teams that this user is a member of.
    package let member: UserID?

    /// Describes a list.
    package init(ids: [TeamID]? = nil, alias: String? = nil, member: UserID? = nil) {
        self.ids = ids
        self.alias = alias
        self.member = member
    }
}
