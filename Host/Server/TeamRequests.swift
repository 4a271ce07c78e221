import HostCore
import HostRegistry

/// A member as LiteLLM's bodies name it.
struct TeamMemberBody: Decodable, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case userID = "user_id"
        case role
        case email = "user_email"
    }

    let userID: String
    let role: String?

    init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: AnyName.self).allKeys.map(\.stringValue)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let known = Set([CodingKeys.userID.rawValue, CodingKeys.role.rawValue])
        for name in names.sorted() where !known.contains(name) {
            if name == CodingKeys.email.rawValue, try container.decodeNil(forKey: .email) { continue }
            throw RuleError(
                .unsupported,
                "\(name) is not supported in a member. Supported are role, user_id.",
                parameter: "member.\(name)"
            )
        }
        userID = try container.decode(String.self, forKey: .userID)
        role = try container.decodeIfPresent(String.self, forKey: .role)
    }

    /// The member that is named.
    func member() throws -> TeamMember {
        TeamMember(
            userID: UserID(userID),
            role: try RecordText.word(role, TeamRole.self, parameter: "role") ?? .user
        )
    }

    private struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// LiteLLM's body of `/team/new`.
struct NewTeamBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case teamID = "team_id"
        case alias = "team_alias"
        case models
        case metadata
        case maximumBudget = "max_budget"
        case isBlocked = "blocked"
        case members = "members_with_roles"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let teamID: String?
    let alias: String?
    let models: [String]?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?
    let isBlocked: Bool?
    let members: [TeamMemberBody]?

    /// The team that is asked for.
    func newTeam() throws -> NewTeam {
        NewTeam(
            id: teamID.map { TeamID($0) },
            alias: alias,
            models: models ?? [],
            metadata: try RecordText.metadata(metadata),
            maximumBudget: maximumBudget,
            isBlocked: isBlocked ?? false,
            members: try TeamMemberList.checked(members ?? [], parameter: "members_with_roles")
        )
    }
}

/// LiteLLM's body of `/team/update`; what is absent or null stays as it is.
struct TeamChangeBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case teamID = "team_id"
        case alias = "team_alias"
        case models
        case metadata
        case maximumBudget = "max_budget"
        case isBlocked = "blocked"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let teamID: String
    let alias: String?
    let models: [String]?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?
    let isBlocked: Bool?

    /// The change that is asked for.
    func change() throws -> TeamChange {
        TeamChange(
            alias: alias,
            models: models,
            metadata: try RecordText.metadata(metadata),
            maximumBudget: maximumBudget,
            isBlocked: isBlocked
        )
    }
}

/// LiteLLM's body of `/team/member_add`: one member, or a list of them.
struct AddMembersBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case teamID = "team_id"
        case member
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let teamID: String
    private let bodies: [TeamMemberBody]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        teamID = try container.decode(String.self, forKey: .teamID)
        do {
            bodies = [try container.decode(TeamMemberBody.self, forKey: .member)]
        } catch DecodingError.typeMismatch(_, let context) where context.codingPath.count <= 1 {
            bodies = try container.decode([TeamMemberBody].self, forKey: .member)
        }
    }

    /// The members that are named.
    func members() throws -> [TeamMember] { try TeamMemberList.checked(bodies, parameter: "member") }
}

/// LiteLLM's body of `/team/member_delete`.
struct RemoveMemberBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case teamID = "team_id"
        case userID = "user_id"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let teamID: String
    let userID: String
}

/// LiteLLM's body of `/team/delete`.
struct DeleteTeamsBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey {
        case teamIDs = "team_ids"
    }

    static let memberNames: Set<String> = ["team_ids"]

    let teamIDs: [String]
}

/// Lists of members in bodies.
private enum TeamMemberList {
    private static let maximumCount = 100

    /// - Throws: ``RuleError`` with 400 for too many at once, somebody named twice, or an unknown role.
    static func checked(_ bodies: [TeamMemberBody], parameter: String) throws -> [TeamMember] {
        guard bodies.count <= maximumCount, Set(bodies.map(\.userID)).count == bodies.count else {
            throw RuleError(
                .invalidRequest,
                "\(parameter) must be at most \(maximumCount) members, each named once.",
                parameter: parameter
            )
        }
        return try bodies.map { try $0.member() }
    }
}
