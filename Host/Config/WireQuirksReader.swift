import HostCore

/// Reads `quirks` of a manifest with `wire`.
struct WireQuirksReader {
    private static let keys = [
        "keyless", "default_path", "chat_rename", "chat_drop", "chat_roles", "file_purposes", "content_purposes",
    ]
    private static let mostNames = 32
    /// Members of a chat request that the gateway itself reads.
    private static let keptMembers: Set<String> = ["model", "messages", "stream"]

    let reader: ValueReader

    /// The quirks; `operations` are those of the same manifest.
    func quirks(
        _ value: SourceValue?,
        operations: Set<ProviderOperation>
    ) throws(ConfigurationError) -> WireQuirks {
        var quirks = WireQuirks()
        guard let value else { return quirks }
        let root = try reader.mapping(value)
        try root.refuseKeys(except: Self.keys)
        if let keyless = root["keyless"] { quirks.isKeyless = try reader.bool(keyless) }
        if let path = root["default_path"] { quirks.defaultPath = try defaultPath(path) }
        quirks.chatRename = try names(root["chat_rename"])
        quirks.chatRoles = try names(root["chat_roles"])
        quirks.filePurposes = try names(root["file_purposes"])
        quirks.chatDrop = try list(root["chat_drop"])
        if let value = root["content_purposes"] { quirks.contentPurposes = try list(value, or: "*") }
        try check(quirks, root)
        try check(operations, root)
        return quirks
    }

    private func check(_ quirks: WireQuirks, _ root: SourceMapping) throws(ConfigurationError) {
        let renamed = Set(quirks.chatRename.keys).union(quirks.chatRename.values)
        for (key, names) in [("chat_rename", renamed), ("chat_drop", Set(quirks.chatDrop))] {
            guard let name = Self.keptMembers.intersection(names).min(), let place = root[key]?.location else {
                continue
            }
            throw ConfigurationError(.badValue, at: place, "\(name) is the gateway's own to write. Remove it.")
        }
        if let name = renamed.intersection(quirks.chatDrop).min(), let place = root["chat_drop"]?.location {
            throw ConfigurationError(.badValue, at: place, "\(name) also stands in chat_rename. Remove it from one.")
        }
        let purposes = [
            ("file_purposes", Array(quirks.filePurposes.keys)), ("content_purposes", quirks.contentPurposes ?? []),
        ]
        for (key, names) in purposes {
            let unknown = names.filter { $0 != "*" && FilePurpose(rawValue: $0) == nil }.min()
            guard let unknown, let place = root[key]?.location else { continue }
            let known = FilePurpose.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError(.badValue, at: place, "\(unknown) is no purpose of OpenAI's. There are \(known).")
        }
    }

    /// A quirk of an operation that the provider does not have is a mistake in one of the two.
    private func check(_ operations: Set<ProviderOperation>, _ root: SourceMapping) throws(ConfigurationError) {
        let subjects: [(String, ProviderOperation)] = [
            ("chat_rename", .chat), ("chat_drop", .chat), ("chat_roles", .chat), ("file_purposes", .filesCreate),
            ("content_purposes", .filesContent),
        ]
        for (key, operation) in subjects {
            guard let place = root[key]?.location, !operations.contains(operation) else { continue }
            throw ConfigurationError(
                .badValue,
                at: place,
                "operations have no \(operation.rawValue), which this is about. Add that, or remove this."
            )
        }
    }

    private func names(_ value: SourceValue?) throws(ConfigurationError) -> [String: String] {
        guard let value else { return [:] }
        let entries = try reader.mapping(value).entries
        guard entries.count <= Self.mostNames else { throw tooMany(value) }
        var names: [String: String] = [:]
        for entry in entries {
            guard Self.isName(entry.key) else { throw Self.badName(entry.value.location) }
            names[entry.key] = try name(entry.value)
        }
        return names
    }

    private func list(_ value: SourceValue?, or other: String? = nil) throws(ConfigurationError) -> [String] {
        guard let value else { return [] }
        var names: [String] = []
        for item in try reader.list(value, limit: Self.mostNames) {
            let text = try reader.string(item)
            let name = text == other ? text : try name(item)
            guard !names.contains(name) else {
                throw ConfigurationError(.duplicate, at: item.location, "this name stands twice. Remove one.")
            }
            names.append(name)
        }
        return names
    }

    private func name(_ value: SourceValue) throws(ConfigurationError) -> String {
        let text = try reader.string(value)
        guard Self.isName(text) else { throw Self.badName(value.location) }
        return text
    }

    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 64 && text.consists(ofLettersDigitsAnd: "_-")
    }

    private static func badName(_ place: SourceLocation) -> ConfigurationError {
        ConfigurationError(.badValue, at: place, "a name here is 1 to 64 letters, digits, - and _. Correct it.")
    }

    private func tooMany(_ value: SourceValue) -> ConfigurationError {
        ConfigurationError(.tooLarge, at: value.location, "has more than \(Self.mostNames) entries. Remove some.")
    }

    private func defaultPath(_ value: SourceValue) throws(ConfigurationError) -> String {
        let text = try reader.string(value)
        guard text.utf8.count <= 256, text.hasPrefix("/"), !text.hasSuffix("/"),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"?#@\\{}".utf8.contains($0) })
        else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be a path such as /v1, without a / at its end."
            )
        }
        return text
    }
}
