import HostCore
import HostRegistry

/// A user as the routes show it.
struct UserAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case alias = "user_alias"
        case email = "user_email"
        case role = "user_role"
        case models
        case metadata
        case maximumBudget = "max_budget"
        case createdAt = "created_at"
        case keyCount = "key_count"
    }

    let user: UserRecord
    /// Shown in lists.
    let keyCount: Int64?

    init(_ user: UserRecord, keyCount: Int64? = nil) {
        self.user = user
        self.keyCount = keyCount
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(user.id.description, forKey: .userID)
        try container.encode(user.alias, forKey: .alias)
        try container.encode(user.email, forKey: .email)
        try container.encode(user.role.rawValue, forKey: .role)
        try container.encode(user.models, forKey: .models)
        try container.encode(try RecordText.metadata(shown: user.metadata), forKey: .metadata)
        try container.encode(user.maximumBudget, forKey: .maximumBudget)
        try container.encode(user.createdAt.text, forKey: .createdAt)
        try container.encodeIfPresent(keyCount, forKey: .keyCount)
    }
}

/// LiteLLM's answer of `/user/new`: the user, and its first key if there is one.
struct NewUserAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case key
        case alias = "user_alias"
        case email = "user_email"
    }

    let user: UserRecord
    let key: CreatedKey?

    func encode(to encoder: any Encoder) throws {
        guard let key else {
            try UserAnswer(user).encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeNil(forKey: .key)
            return
        }
        try KeyAnswer(key.record, text: key.text, role: user.role).encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(user.alias, forKey: .alias)
        try container.encode(user.email, forKey: .email)
    }
}

/// LiteLLM's answer of `/user/info`.
struct UserInfoAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case info = "user_info"
        case keys
        case teams
    }

    let user: UserRecord
    let teams: [TeamRecord]

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(user.id.description, forKey: .userID)
        try container.encode(UserAnswer(user), forKey: .info)
        try container.encode(user.keys.map { KeyAnswer($0) }, forKey: .keys)
        try container.encode(teams.map { TeamAnswer($0) }, forKey: .teams)
    }
}

/// LiteLLM's answer of `/user/update`.
struct UserChangeAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case data
    }

    let userID: String
    let data: UserAnswer

    init(_ user: UserRecord) {
        userID = user.id.description
        data = UserAnswer(user)
    }
}

/// LiteLLM's answer of `/user/list`.
struct UserListAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case users
        case total
        case page
        case pageSize = "page_size"
        case pageCount = "total_pages"
    }

    let users: [UserAnswer]
    let total: Int
    let page: Int
    let pageSize: Int
    let pageCount: Int

    init(_ found: RecordPage<(user: UserRecord, keyCount: Int64)>) {
        users = found.records.map { UserAnswer($0.user, keyCount: $0.keyCount) }
        total = found.totalCount
        page = found.request.number
        pageSize = found.request.size
        pageCount = found.pageCount
    }
}

/// What a delete of users answers: their ids, and what goes with them.
struct DeletedUsersAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case users = "deleted_users"
        case keyCount = "deleted_keys"
        case fileCount = "deleted_files"
    }

    let users: [String]
    let keyCount: Int
    let fileCount: Int

    init(_ deletion: Deletion<UserID>) {
        users = deletion.ids.map(\.description)
        keyCount = deletion.keyCount
        fileCount = deletion.fileCount
    }
}
