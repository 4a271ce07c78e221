import FoundationEssentials
import HostCore
import HostRegistry

/// LiteLLM's body of `/key/generate` and, for the key that is made along, of `/user/new`.
struct NewKeyBody: AdministratorBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case alias = "key_alias"
        case userID = "user_id"
        case teamID = "team_id"
        case models
        case duration
        case metadata
        case maximumBudget = "max_budget"
        case allowsRawFileIDs = "allow_raw_file_ids"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let alias: String?
    let userID: String?
    let teamID: String?
    let models: [String]?
    let duration: String?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?
    let allowsRawFileIDs: Bool?

    /// The key that is asked for.
    func newKey() throws -> NewKey {
        NewKey(
            alias: alias,
            userID: userID.map { UserID($0) },
            teamID: teamID.map { TeamID($0) },
            models: models ?? [],
            metadata: try metadata.map(Self.text),
            allowsRawFileIDs: allowsRawFileIDs ?? false,
            lifetime: try duration.map { try LifetimeText.parse($0) },
            maximumBudget: maximumBudget
        )
    }

    /// Metadata is kept as the JSON object it came as.
    static func text(_ metadata: ConfigurationValue) throws -> String {
        guard case .map = metadata else {
            throw RuleError(.invalidRequest, "metadata must be an object.", parameter: "metadata")
        }
        return String(decoding: try JSONEncoder().encode(metadata), as: UTF8.self)
    }
}

/// LiteLLM's body of `/user/new`.
struct NewUserBody: AdministratorBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case userID = "user_id"
        case alias = "user_alias"
        case email = "user_email"
        case role = "user_role"
        case models
        case metadata
        case maximumBudget = "max_budget"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue)).union(NewKeyBody.memberNames)

    let userID: String?
    let alias: String?
    let email: String?
    let role: String?
    let models: [String]?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?
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
        key = try NewKeyBody(from: decoder)
    }

    /// The user that is asked for.
    func newUser() throws -> NewUser {
        let role = try role.map { text in
            guard let role = Role(rawValue: text) else {
                let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
                throw RuleError(.invalidRequest, "user_role must be one of \(known).", parameter: "user_role")
            }
            return role
        }
        return NewUser(
            id: userID.map { UserID($0) },
            alias: alias,
            email: email,
            role: role ?? .user,
            models: models ?? [],
            metadata: try metadata.map(NewKeyBody.text),
            maximumBudget: maximumBudget
        )
    }
}

/// LiteLLM's body of `/key/delete`.
struct DeleteKeysBody: AdministratorBody, Sendable {
    static let memberNames: Set<String> = ["keys"]

    /// Keys, or their ids.
    let keys: [String]
}
