import HostCore
import HostRegistry

/// LiteLLM's body of `/user/new`.
struct NewUserBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case userID = "user_id"
        case alias = "user_alias"
        case email = "user_email"
        case role = "user_role"
        case models
        case metadata
        case maximumBudget = "max_budget"
        case makesKey = "auto_create_key"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue)).union(NewKeyBody.memberNames)

    let userID: String?
    let alias: String?
    let email: String?
    let role: String?
    let models: [String]?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?
    /// Nil for yes.
    let makesKey: Bool?
    /// What the same body says of the key.
    let key: NewKeyBody

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        userID = try container.decodeIfPresent(String.self, forKey: .userID)
        alias = try container.decodeIfPresent(String.self, forKey: .alias)
        email = try container.decodeIfPresent(String.self, forKey: .email)
        role = try container.decodeIfPresent(String.self, forKey: .role)
        models = try container.decodeIfPresent([String].self, forKey: .models)
        metadata = try container.decodeIfPresent(ConfigurationValue.self, forKey: .metadata)
        maximumBudget = try container.decodeIfPresent(Double.self, forKey: .maximumBudget)
        makesKey = try container.decodeIfPresent(Bool.self, forKey: .makesKey)
        key = try NewKeyBody(from: decoder)
    }

    /// The user that is asked for.
    func newUser() throws -> NewUser {
        NewUser(
            id: userID.map { UserID($0) },
            alias: alias,
            email: email,
            role: try RecordText.word(role, Role.self, parameter: "user_role") ?? .user,
            models: models ?? [],
            metadata: try RecordText.metadata(metadata),
            maximumBudget: maximumBudget
        )
    }
}

/// LiteLLM's body of `/user/update`; what is absent or null stays as it is.
struct UserChangeBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case userID = "user_id"
        case alias = "user_alias"
        case email = "user_email"
        case role = "user_role"
        case models
        case metadata
        case maximumBudget = "max_budget"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let userID: String
    let alias: String?
    let email: String?
    let role: String?
    let models: [String]?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?

    /// The change that is asked for.
    func change() throws -> UserChange {
        UserChange(
            alias: alias,
            email: email,
            role: try RecordText.word(role, Role.self, parameter: "user_role"),
            models: models,
            metadata: try RecordText.metadata(metadata),
            maximumBudget: maximumBudget
        )
    }
}

/// LiteLLM's body of `/user/delete`.
struct DeleteUsersBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey {
        case userIDs = "user_ids"
    }

    static let memberNames: Set<String> = ["user_ids"]

    let userIDs: [String]
}
