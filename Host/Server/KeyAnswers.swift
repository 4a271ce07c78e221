import HostCore
import HostRegistry

/// A key as the routes show it: never the key itself, but once when it is made.
struct KeyAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case key
        case id = "token_id"
        case token
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
    /// What stands in the member `key`: the key itself in the one answer that made it, else its id or nothing.
    let key: String?
    /// Shown beside the key of a new user.
    let role: Role?

    init(_ record: KeyRecord, text: String? = nil, name: String? = nil, role: Role? = nil) {
        self.record = record
        key = text ?? name
        self.role = role
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(key, forKey: .key)
        try container.encode(record.id.description, forKey: .id)
        try container.encode(record.id.description, forKey: .token)
        try container.encode(record.display, forKey: .display)
        try container.encode(record.alias, forKey: .alias)
        try container.encode(record.userID?.description, forKey: .userID)
        try container.encode(record.teamID?.description, forKey: .teamID)
        try container.encode(record.models, forKey: .models)
        try container.encodeIfPresent((role ?? record.role)?.rawValue, forKey: .role)
        try container.encode(try RecordText.metadata(shown: record.metadata), forKey: .metadata)
        try container.encode(record.allowsRawFileIDs, forKey: .allowsRawFileIDs)
        try container.encode(record.isBlocked, forKey: .isBlocked)
        try container.encode(record.createdAt.text, forKey: .createdAt)
        try container.encode(record.expiresAt?.text, forKey: .expires)
        try container.encode(record.lastUsedAt?.text, forKey: .lastUsedAt)
        try container.encode(record.maximumBudget, forKey: .maximumBudget)
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

/// LiteLLM's answer of `/key/list`: ids, or whole records.
struct KeyListAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case keys
        case totalCount = "total_count"
        case page = "current_page"
        case pageCount = "total_pages"
    }

    let page: RecordPage<KeyRecord>
    /// Whether records are shown.
    let isFull: Bool

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if isFull {
            try container.encode(page.records.map { KeyAnswer($0) }, forKey: .keys)
        } else {
            try container.encode(page.records.map(\.id.description), forKey: .keys)
        }
        try container.encode(page.totalCount, forKey: .totalCount)
        try container.encode(page.request.number, forKey: .page)
        try container.encode(page.pageCount, forKey: .pageCount)
    }
}

/// What a delete of keys answers: their ids, and how many files go with them.
struct DeletedKeysAnswer: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case keys = "deleted_keys"
        case fileCount = "deleted_files"
    }

    let keys: [String]
    let fileCount: Int

    init(_ deletion: Deletion<KeyID>) {
        keys = deletion.ids.map(\.description)
        fileCount = deletion.fileCount
    }
}
