import GantryPlugin

/// In what a provider differs from OpenAI.
struct Quirks: Sendable {
    private static let names = [
        "keyless", "default_path", "chat_rename", "chat_drop", "chat_roles", "file_purposes",
    ]

    /// Deployments need no key.
    var isKeyless = false
    /// The path of an `api_base` that has none.
    var defaultPath = ""
    /// What has to be changed in a chat request; nil if nothing has to be.
    var chat: ChatEdits?
    /// Purposes of files by their name at OpenAI; the values are their names at the provider.
    var filePurposes: [String: String] = [:]

    /// Makes a provider like OpenAI.
    init() {}

    /// Reads `quirks`.
    /// - Throws: ``Failure`` with `.invalid`, which names the member and says what to do.
    init(_ value: JSON?) throws(Failure) {
        guard let value else { return }
        guard let members = value.object else { throw ConfigurationMembers.wrong("quirks", "must be an object") }
        try ConfigurationMembers.refuse(members, except: Self.names, of: "quirks")
        if let keyless = members["keyless"] {
            guard let keyless = keyless.bool else {
                throw ConfigurationMembers.wrong("keyless", "must be true or false")
            }
            isKeyless = keyless
        }
        if let path = members["default_path"] {
            guard let path = path.string, path.hasPrefix("/"), !path.hasSuffix("/") else {
                throw ConfigurationMembers.wrong("default_path", "must be a path such as /v1, without a / at its end")
            }
            defaultPath = path
        }
        filePurposes = try ConfigurationMembers.map("file_purposes", in: members)
        let edits = ChatEdits(
            renamed: try ConfigurationMembers.map("chat_rename", in: members),
            dropped: try ConfigurationMembers.texts("chat_drop", in: members),
            roles: try ConfigurationMembers.map("chat_roles", in: members)
        )
        chat = edits.isEmpty ? nil : edits
    }
}
