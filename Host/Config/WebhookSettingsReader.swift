import FoundationEssentials

/// Reads `general_settings.webhooks`.
struct WebhookSettingsReader {
    private static let keys = ["url", "secret", "allowed_hosts", "allow_private_addresses"]
    private static let secretPrefix = "whsec_"
    /// The Standard Webhooks specification asks for at least 24 bytes; a longer key than a few blocks makes none safer.
    private static let secretBytes = 24...512
    private static let mostSecrets = 8
    private static let mostHosts = 256

    let reader: ValueReader

    func settings(_ value: SourceValue) throws(ConfigurationError) -> WebhookSettings {
        let mapping = try reader.mapping(value)
        try mapping.refuseKeys(except: Self.keys)
        var url: NetworkSettings.Text?
        if let value = mapping["url"] {
            url = NetworkSettings.Text(text: try reader.string(value), location: value.location)
        }
        var allowedHosts: [HostPattern]?
        if let value = mapping["allowed_hosts"] { allowedHosts = try reader.hosts(value, limit: Self.mostHosts) }
        return WebhookSettings(
            url: url,
            secrets: try secrets(mapping),
            allowedHosts: allowedHosts,
            privateHosts: try privateHosts(mapping["allow_private_addresses"])
        )
    }

    /// One secret, or a list of them.
    private func secrets(_ mapping: SourceMapping) throws(ConfigurationError) -> [[UInt8]] {
        let advice = "Make one: echo whsec_$(openssl rand -base64 32)"
        let value = try mapping.required("secret", advice)
        var items = [value]
        if case .list = value.content { items = try reader.list(value, limit: Self.mostSecrets) }
        guard !items.isEmpty else { throw ConfigurationError(.missingKey, at: value.location, "is empty. \(advice)") }
        var secrets: [[UInt8]] = []
        for item in items { secrets.append(try secret(item)) }
        return secrets
    }

    private func secret(_ value: SourceValue) throws(ConfigurationError) -> [UInt8] {
        let text = try reader.string(value)
        guard text.hasPrefix(Self.secretPrefix),
            let key = Data(base64Encoded: String(text.dropFirst(Self.secretPrefix.count))),
            Self.secretBytes.contains(key.count)
        else {
            let limits = "\(Self.secretBytes.lowerBound) to \(Self.secretBytes.upperBound) bytes"
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be \(Self.secretPrefix) and \(limits) in base 64. Make one: echo whsec_$(openssl rand -base64 32)"
            )
        }
        return Array(key)
    }

    /// True, false or a list of hosts.
    private func privateHosts(_ value: SourceValue?) throws(ConfigurationError) -> WebhookSettings.PrivateHosts {
        guard let value else { return .none }
        if case .list = value.content { return .these(try reader.hosts(value, limit: Self.mostHosts)) }
        return try reader.bool(value) ? .all : .none
    }
}
