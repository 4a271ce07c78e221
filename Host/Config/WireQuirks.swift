import HostCore

/// In what a provider differs from OpenAI.
package struct WireQuirks: Hashable, Sendable {
    /// Deployments need no key.
    package var isKeyless = false
    /// The path of an `api_base` that has none, such as `/v1`.
    package var defaultPath: String?
    /// Members of a chat request by their name at OpenAI; the values are their names at the provider.
    package var chatRename: [String: String] = [:]
    /// Members of a chat request that the provider refuses and that are left out.
    package var chatDrop: [String] = []
    /// Roles of messages by their name at OpenAI; the values are those that the provider knows.
    package var chatRoles: [String: String] = [:]
    /// Purposes of files by their name at OpenAI; the values are their names at the provider.
    package var filePurposes: [String: String] = [:]
    /// Purposes, at OpenAI, of the files whose content the provider gives back, `*` for all; nil for OpenAI's own.
    package var contentPurposes: [String]?

    /// Makes a provider like OpenAI.
    package init() {}

    /// What the adapter has to know of it; the rest is for the host.
    var configuration: [String: ConfigurationValue] {
        var values: [String: ConfigurationValue] = [:]
        if isKeyless { values["keyless"] = .bool(true) }
        values["default_path"] = defaultPath.map { .string($0) }
        for (name, map) in [("chat_rename", chatRename), ("chat_roles", chatRoles), ("file_purposes", filePurposes)]
        where !map.isEmpty {
            values[name] = .map(map.mapValues { .string($0) })
        }
        if !chatDrop.isEmpty { values["chat_drop"] = .list(chatDrop.map { .string($0) }) }
        return values
    }
}
