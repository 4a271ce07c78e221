import FoundationEssentials
import HostCore
import HostRegistry

/// A key as the routes show it: never the key itself, but once when it is made.
struct KeyAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case key
        case id = "token_id"
        case display = "key_name"
        case alias = "key_alias"
        case userID = "user_id"
        case teamID = "team_id"
        case models
        case role = "user_role"
        case metadata
        case allowsRawFileIDs = "allow_raw_file_ids"
        case isBlocked = "blocked"
        case createdAt = "created_at"
        case expires
        case lastUsedAt = "last_used_at"
        case maximumBudget = "max_budget"
    }

    let record: KeyRecord
    /// Shown once, in the answer that made the key.
    let text: String?
    /// Shown beside the key of a new user.
    let role: Role?

    init(_ record: KeyRecord, text: String? = nil, role: Role? = nil) {
        self.record = record
        self.text = text
        self.role = role
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(text, forKey: .key)
        try container.encode(record.id.description, forKey: .id)
        try container.encode(record.display, forKey: .display)
        try container.encode(record.alias, forKey: .alias)
        try container.encode(record.userID?.description, forKey: .userID)
        try container.encode(record.teamID?.description, forKey: .teamID)
        try container.encode(record.models, forKey: .models)
        try container.encodeIfPresent((role ?? record.role)?.rawValue, forKey: .role)
        try container.encode(try Self.metadata(record.metadata), forKey: .metadata)
        try container.encode(record.allowsRawFileIDs, forKey: .allowsRawFileIDs)
        try container.encode(record.isBlocked, forKey: .isBlocked)
        try container.encode(record.createdAt.text, forKey: .createdAt)
        try container.encode(record.expiresAt?.text, forKey: .expires)
        try container.encode(record.lastUsedAt?.text, forKey: .lastUsedAt)
        try container.encode(record.maximumBudget, forKey: .maximumBudget)
    }

    static func metadata(_ text: String?) throws -> ConfigurationValue {
        guard let text else { return .map([:]) }
        return try JSONDecoder().decode(ConfigurationValue.self, from: Data(text.utf8))
    }
}

/// LiteLLM's answer of `/key/info`.
struct KeyInfoAnswer: Encodable, Sendable {
    /// The key's id: the key is not shown again.
    let key: String
    let info: KeyAnswer

    init(_ record: KeyRecord) {
        key = record.id.description
        info = KeyAnswer(record)
    }
}

/// LiteLLM's answer of `/user/info`.
struct UserInfoAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case info = "user_info"
        case keys
    }

    private struct Info: Encodable {
        private enum CodingKeys: String, CodingKey {
            case userID = "user_id"
            case alias = "user_alias"
            case email = "user_email"
            case role = "user_role"
            case models
            case metadata
            case maximumBudget = "max_budget"
            case createdAt = "created_at"
        }

        let user: UserRecord

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(user.id.description, forKey: .userID)
            try container.encode(user.alias, forKey: .alias)
            try container.encode(user.email, forKey: .email)
            try container.encode(user.role.rawValue, forKey: .role)
            try container.encode(user.models, forKey: .models)
            try container.encode(try KeyAnswer.metadata(user.metadata), forKey: .metadata)
            try container.encode(user.maximumBudget, forKey: .maximumBudget)
            try container.encode(user.createdAt.text, forKey: .createdAt)
        }
    }

    let user: UserRecord

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(user.id.description, forKey: .userID)
        try container.encode(Info(user: user), forKey: .info)
        try container.encode(user.keys.map { KeyAnswer($0) }, forKey: .keys)
    }
}

/// What a delete of keys answers: their ids.
struct DeletedKeysAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case keys = "deleted_keys"
    }

    let keys: [String]
}

extension UnixTime {
    /// RFC 3339, UTC.
    var text: String { Date(timeIntervalSince1970: TimeInterval(secondsSince1970)).formatted(.iso8601) }
}
