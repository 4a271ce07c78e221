import FoundationEssentials

/// Reads `plugin_settings`.
struct PluginSettingsReader {
    private static let keyPrefix = "ed25519:"
    private static let keyBytes = 32
    private static let mostKeys = 64
    private static let mostHashes = 4096

    let reader: ValueReader

    /// The settings of the section, which may be absent.
    func settings(_ section: SourceValue?) throws(ConfigurationError) -> PluginSettings {
        guard let section else { return PluginSettings() }
        let mapping = try reader.mapping(section)
        try mapping.refuseKeys(except: ["trust"])
        guard let entry = mapping.entries.first(where: { $0.key == "trust" }) else { return PluginSettings() }
        // Nothing after the key is no way to trust everybody: it is refused for not being a mapping.
        return PluginSettings(trust: try trust(entry.value))
    }

    private func trust(_ value: SourceValue) throws(ConfigurationError) -> PluginSettings.Trust {
        let mapping = try reader.mapping(value)
        try mapping.refuseKeys(except: ["keys", "sha256"])
        let keys = try items(mapping["keys"], limit: Self.mostKeys, read: key)
        let hashes = try items(mapping["sha256"], limit: Self.mostHashes, read: reader.digest)
        // Nobody means it who writes this: no plugin at all could be opened.
        guard !keys.isEmpty || !hashes.isEmpty else {
            throw ConfigurationError(
                .missingKey,
                at: value.location,
                "names neither keys nor sha256, so no plugin could be opened. Add some, or remove trust to open all."
            )
        }
        return PluginSettings.Trust(keys: keys, sha256: hashes)
    }

    private func items(
        _ value: SourceValue?,
        limit: Int,
        read: (SourceValue) throws(ConfigurationError) -> String
    ) throws(ConfigurationError) -> [String] {
        guard let value else { return [] }
        var items: [String] = []
        for item in try reader.list(value, limit: limit) {
            let text = try read(item)
            guard !items.contains(text) else {
                throw ConfigurationError(.duplicate, at: item.location, "this stands twice. Remove one.")
            }
            items.append(text)
        }
        return items
    }

    private func key(_ value: SourceValue) throws(ConfigurationError) -> String {
        let text = try reader.string(value)
        let data = Data(base64Encoded: String(text.dropFirst(Self.keyPrefix.count)))
        guard text.hasPrefix(Self.keyPrefix), let data, data.count == Self.keyBytes,
            text == Self.keyPrefix + data.base64EncodedString()
        else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be \(Self.keyPrefix) and a key of \(Self.keyBytes) bytes in base 64, as `gantry plugin keygen` "
                    + "prints it."
            )
        }
        return text
    }
}
