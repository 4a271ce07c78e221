import HostCore
import HostDatabase

/// What is known about a team.
package struct TeamRecord: Hashable, Sendable {
    package let id: TeamID
    package let alias: String?
    /// The models that the team's keys may use; empty for all.
    package let models: [String]
    /// JSON, as it was given.
    package let metadata: String?
    /// In US dollars.
    package let maximumBudget: Double?
    /// Whether the team's keys are refused.
    package let isBlocked: Bool
    package let createdAt: UnixTime
    /// At most 1000, in the order in which they came.
    package let members: [TeamMember]
}

extension TeamRecord {
    init(_ row: DatabaseRow, members: [TeamMember]) throws {
        id = TeamID(try row.text("id"))
        alias = try row.textIfPresent("alias")
        models = try JSONText.decode(row.text("models"), column: "models")
        metadata = try row.textIfPresent("metadata")
        maximumBudget = try row.realIfPresent("max_budget")
        isBlocked = try row.bool("blocked")
        createdAt = UnixTime(secondsSince1970: try row.integer("created_at"))
        self.members = members
    }
}
