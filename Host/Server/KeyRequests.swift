import HostCore
import HostRegistry

/// LiteLLM's body of `/key/generate` and, for the key that is made along, of `/user/new`.
struct NewKeyBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case alias = "key_alias"
        case userID = "user_id"
        case teamID = "team_id"
        case models
        case duration
        case expires
        case metadata
        case maximumBudget = "max_budget"
        case allowsRawFileIDs = "allow_raw_file_ids"
        case isBlocked = "blocked"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let alias: String?
    let userID: String?
    let teamID: String?
    let models: [String]?
    let duration: String?
    let expires: String?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?
    let allowsRawFileIDs: Bool?
    let isBlocked: Bool?

    /// The key that is asked for; an owner's if the body names nobody.
    func newKey(owner: UserID? = nil) throws -> NewKey {
        NewKey(
            alias: alias,
            userID: userID.map { UserID($0) } ?? owner,
            teamID: teamID.map { TeamID($0) },
            models: models ?? [],
            metadata: try RecordText.metadata(metadata),
            allowsRawFileIDs: allowsRawFileIDs ?? false,
            isBlocked: isBlocked ?? false,
            expiry: try RecordText.expiry(duration: duration, expires: expires) ?? .never,
            maximumBudget: maximumBudget
        )
    }
}

/// LiteLLM's body of `/key/update` and `/key/regenerate`; what is absent or null stays as it is.
struct KeyChangeBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case key
        case alias = "key_alias"
        case userID = "user_id"
        case teamID = "team_id"
        case models
        case duration
        case expires
        case metadata
        case maximumBudget = "max_budget"
        case allowsRawFileIDs = "allow_raw_file_ids"
        case isBlocked = "blocked"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    /// The key or its id.
    let key: String?
    let alias: String?
    let userID: String?
    let teamID: String?
    let models: [String]?
    let duration: String?
    let expires: String?
    let metadata: ConfigurationValue?
    let maximumBudget: Double?
    let allowsRawFileIDs: Bool?
    let isBlocked: Bool?

    /// The change that is asked for.
    func change() throws -> KeyChange {
        KeyChange(
            alias: alias,
            userID: userID.map { UserID($0) },
            teamID: teamID.map { TeamID($0) },
            models: models,
            metadata: try RecordText.metadata(metadata),
            allowsRawFileIDs: allowsRawFileIDs,
            isBlocked: isBlocked,
            expiry: try RecordText.expiry(duration: duration, expires: expires),
            maximumBudget: maximumBudget
        )
    }

    /// The key that is named by the path or the body.
    ///
    /// - Throws: ``RuleError`` with 400 if it is named by neither, or differently by both.
    func selector(path: String? = nil) throws -> KeySelector {
        guard let text = path ?? key else {
            throw RuleError(.invalidRequest, "key is missing: name the key, or its id.", parameter: "key")
        }
        if let key, KeySelector(key) != KeySelector(text) {
            throw RuleError(.invalidRequest, "The path and the body name different keys.", parameter: "key")
        }
        return KeySelector(text)
    }
}

/// LiteLLM's body of `/key/block` and `/key/unblock`.
struct KeyNameBody: StrictBody, Sendable {
    static let memberNames: Set<String> = ["key"]

    /// The key or its id.
    let key: String
}

/// LiteLLM's body of `/key/delete`.
struct DeleteKeysBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case keys
        case aliases = "key_aliases"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    /// Keys, or their ids.
    let keys: [String]?
    let aliases: [String]?

    /// The keys that are named.
    ///
    /// - Throws: ``RuleError`` with 400 if there are none, or too many.
    func named() throws -> (selectors: [KeySelector], aliases: [String]) {
        let named = (keys ?? [], aliases ?? [])
        try RecordIDs.check(named.0 + named.1, parameter: "keys")
        return (named.0.map { KeySelector($0) }, named.1)
    }
}

extension KeySelector {
    /// Keys begin with `sk-`; everything else is a key's id.
    init(_ text: String) { self = text.hasPrefix("sk-") ? .digest(KeyDigest(of: text)) : .id(KeyID(text)) }
}
