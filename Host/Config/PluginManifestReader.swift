import HostCore

/// Reads one file of `plugins.d`.
struct PluginManifestReader {
    private static let keys = [
        "id", "version", "library", "providers", "hosts", "configuration", "secrets", "sha256", "isolation", "enabled",
        "limits",
    ]

    private static let mostProviders = 64
    private static let mostHosts = 256

    let reader: ValueReader

    /// The manifest; nil if the file says `enabled: false`.
    func manifest(_ document: SourceValue) throws(ConfigurationError) -> PluginManifest? {
        let file = document.location.file
        let root = try reader.mapping(document)
        try root.refuseKeys(except: Self.keys)
        if let enabled = root["enabled"], try !reader.bool(enabled) { return nil }
        let id = try root.required("id", "Give the plugin's id, such as openai.")
        let version = try root.required("version", "Give the library's version, in quotes.")
        let library = try root.required("library", "Give the library's file, such as libgantry-plugin-openai.so.")
        let isolation: PluginManifest.Isolation =
            try root["isolation"].map { (value) throws(ConfigurationError) in
                try reader.word(value, of: [.process, .inProcess])
            } ?? .process
        return PluginManifest(
            id: try name(id, allowing: "_-", isLowercase: true),
            version: try name(version, allowing: ".+_-"),
            library: try path(library),
            providers: try providers(root["providers"]),
            hosts: try root["hosts"].map { hosts throws(ConfigurationError) in
                try reader.hosts(hosts, limit: Self.mostHosts)
            } ?? [],
            configuration: try root["configuration"].map { (value) throws(ConfigurationError) in
                try reader.configuration(try reader.mapping(value).entries)
            } ?? [:],
            secrets: try secrets(root["secrets"]),
            sha256: try digest(root["sha256"]),
            isolation: isolation,
            limits: try limits(root["limits"], isolation: isolation),
            file: file,
            location: id.location
        )
    }

    /// What can be read of a manifest that is refused or disabled: whom it would have served.
    func claims(_ document: SourceValue) -> (id: String?, providers: [String]) {
        do {
            let root = try reader.mapping(document)
            return (
                readable { try root["id"].map { try name($0, allowing: "_-", isLowercase: true) } },
                readable { try self.providers(root["providers"]) } ?? []
            )
        } catch {
            // Why it is refused is reported already.
            return (nil, [])
        }
    }

    private func readable<Value>(_ read: () throws -> Value?) -> Value? {
        do { return try read() } catch { return nil }
    }

    private func name(
        _ value: SourceValue,
        allowing others: String,
        isLowercase: Bool = false
    ) throws(ConfigurationError) -> String {
        let text = try reader.string(value)
        let isCaseRight = !isLowercase || text.utf8.allSatisfy { !(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0) }
        guard text.utf8.count <= 64, text.consists(ofLettersDigitsAnd: others), isCaseRight else {
            let letters = isLowercase ? "lower-case letters" : "letters"
            let signs = others.map(String.init).joined(separator: " ")
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be 1 to 64 \(letters), digits and \(signs), not \(try reader.resolved(value).shown)."
            )
        }
        return text
    }

    private func path(_ value: SourceValue) throws(ConfigurationError) -> String {
        let text = try reader.string(value)
        guard (1...1024).contains(text.utf8.count), !text.utf8.contains(where: { $0 < 0x20 }) else {
            throw ConfigurationError(.badValue, at: value.location, "must be the name or path of a library.")
        }
        return text
    }

    private func providers(_ value: SourceValue?) throws(ConfigurationError) -> [String] {
        guard let value else { return [] }
        var providers: [String] = []
        for item in try reader.list(value, limit: Self.mostProviders) {
            let provider = try name(item, allowing: "._-", isLowercase: true)
            guard !providers.contains(provider) else {
                throw ConfigurationError(.duplicate, at: item.location, "this provider stands twice. Remove one.")
            }
            providers.append(provider)
        }
        return providers
    }

    private func secrets(_ value: SourceValue?) throws(ConfigurationError) -> [String: String] {
        guard let value else { return [:] }
        var secrets: [String: String] = [:]
        for entry in try reader.mapping(value).entries {
            guard entry.key.utf8.count <= 64, entry.key.consists(ofLettersDigitsAnd: "._-") else {
                throw ConfigurationError(
                    .badValue,
                    at: entry.value.location,
                    "a secret's name is 1 to 64 letters, digits and . _ -. Rename it."
                )
            }
            let secret = try reader.string(entry.value)
            guard !secret.isEmpty else {
                throw ConfigurationError(.badValue, at: entry.value.location, "the secret is empty. Set it.")
            }
            secrets[entry.key] = secret
        }
        return secrets
    }

    private func digest(_ value: SourceValue?) throws(ConfigurationError) -> String? {
        guard let value else { return nil }
        let text = try reader.string(value)
        guard text.utf8.count == 64, text.utf8.allSatisfy(\.isHexadecimalDigit) else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be the 64 hexadecimal digits that sha256sum prints for the library."
            )
        }
        return text.lowercased()
    }
}
