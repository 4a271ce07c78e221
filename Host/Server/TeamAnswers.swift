import HostCore
import HostRegistry

/// A team as the routes show it.
struct TeamAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case teamID = "team_id"
        case alias = "team_alias"
        case models
        case metadata
        case maximumBudget = "max_budget"
        case isBlocked = "blocked"
        case createdAt = "created_at"
        case members = "members_with_roles"
        case keyCount = "deleted_keys"
    }

    private struct Member: Encodable {
        private enum CodingKeys: String, CodingKey {
            case userID = "user_id"
            case role
        }

        let userID: String
        let role: String
    }

    let team: TeamRecord
    /// Shown where a member and its keys have been removed.
    let deletedKeyCount: Int?

    init(_ team: TeamRecord, deletedKeyCount: Int? = nil) {
        self.team = team
        self.deletedKeyCount = deletedKeyCount
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(team.id.description, forKey: .teamID)
        try container.encode(team.alias, forKey: .alias)
        try container.encode(team.models, forKey: .models)
        try container.encode(try RecordText.metadata(shown: team.metadata), forKey: .metadata)
        try container.encode(team.maximumBudget, forKey: .maximumBudget)
        try container.encode(team.isBlocked, forKey: .isBlocked)
        try container.encode(team.createdAt.text, forKey: .createdAt)
        let members = team.members.map { Member(userID: $0.userID.description, role: $0.role.rawValue) }
        try container.encode(members, forKey: .members)
        try container.encodeIfPresent(deletedKeyCount, forKey: .keyCount)
    }
}

/// LiteLLM's answer of `/team/info`.
struct TeamInfoAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case teamID = "team_id"
        case info = "team_info"
        case keys
    }

    let teamID: String
    let info: TeamAnswer
    let keys: [KeyAnswer]

    init(_ team: TeamRecord, keys: [KeyRecord]) {
        teamID = team.id.description
        info = TeamAnswer(team)
        self.keys = keys.map { KeyAnswer($0) }
    }
}

/// LiteLLM's answer of `/team/update`.
struct TeamChangeAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case teamID = "team_id"
        case data
    }

    let teamID: String
    let data: TeamAnswer

    init(_ team: TeamRecord) {
        teamID = team.id.description
        data = TeamAnswer(team)
    }
}

/// What a delete of teams answers: their ids, and what goes with them.
struct DeletedTeamsAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case teams = "deleted_teams"
        case keyCount = "deleted_keys"
        case fileCount = "deleted_files"
    }

    let teams: [String]
    let keyCount: Int
    let fileCount: Int

    init(_ deletion: Deletion<TeamID>) {
        teams = deletion.ids.map(\.description)
        keyCount = deletion.keyCount
        fileCount = deletion.fileCount
    }
}
