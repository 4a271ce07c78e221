import HostCore

/// Reads one file of `plugins.d`.
struct PluginManifestReader {
    private static let keys = [
        "id", "version", "library", "wire", "providers", "hosts", "configuration", "secrets", "sha256", "isolation",
        "enabled", "limits", "environment",
    ]

    private static let mostProviders = 64
    private static let mostHosts = 256
    private static let mostVariables = 32

    let reader: ValueReader

    /// Whether the manifest does not say `enabled: false`.
    func isEnabled(_ document: SourceValue) throws(ConfigurationError) -> Bool {
        let root = try reader.mapping(document)
        try root.refuseKeys(except: Self.keys + WireManifestReader.keys + PluginFunctionsReader.keys)
        return try root["enabled"].map { (value) throws(ConfigurationError) in try reader.bool(value) } ?? true
    }

    /// What a manifest says, be it enabled or not.
    ///
    /// - Parameters:
    ///   - document: The file as values.
    ///   - bytes: The file.
    /// - Returns: The manifest.
    /// - Throws: ``ConfigurationError`` for what it may not say.
    func manifest(_ document: SourceValue, bytes: [UInt8]) throws(ConfigurationError) -> PluginManifest {
        let file = document.location.file
        let root = try reader.mapping(document)
        try root.refuseKeys(except: Self.keys + WireManifestReader.keys + PluginFunctionsReader.keys)
        let id = try root.required("id", "Give the plugin's id, such as openai.")
        let version = try root.required("version", "Give the library's version, in quotes.")
        let name = try name(id, allowing: "_-", isLowercase: true)
        let secrets = try secrets(root["secrets"])
        let wires = WireManifestReader(reader: reader)
        let wire = try wires.provider(root, secrets: Set(secrets.keys))
        let functions = try PluginFunctionsReader(reader: reader).functions(root, path: path)
        let isolation: PluginManifest.Isolation =
            try root["isolation"].map { (value) throws(ConfigurationError) in
                try reader.word(value, of: [.process, .inProcess])
            } ?? (wire == nil || functions != nil ? .process : .inProcess)
        return PluginManifest(
            id: name,
            version: try self.name(version, allowing: ".+_-"),
            library: try wire == nil ? library(root) : WireProvider.library,
            wire: wire,
            providers: try providers(root["providers"]),
            hosts: try wires.hosts(try hosts(root["hosts"]), of: root),
            configuration: try configuration(root["configuration"], of: wire, named: name),
            secrets: secrets,
            environment: try environment(root["environment"]),
            functions: functions,
            sha256: try root["sha256"].map { (value) throws(ConfigurationError) in try reader.digest(value) },
            isolation: isolation,
            limits: try limits(root["limits"], isolation: isolation),
            file: file,
            bytes: bytes,
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

    private func library(_ root: SourceMapping) throws(ConfigurationError) -> String {
        try path(
            try root.required(
                "library",
                "Give the library's file, such as libgantry-plugin-openai.so, or `wire: openai` for a provider without one."
            )
        )
    }

    private func hosts(_ value: SourceValue?) throws(ConfigurationError) -> [HostPattern]? {
        guard let value else { return nil }
        return try reader.hosts(value, limit: Self.mostHosts)
    }

    private func configuration(
        _ value: SourceValue?,
        of wire: WireProvider?,
        named name: String
    ) throws(ConfigurationError) -> [String: ConfigurationValue] {
        if let wire { return wire.configuration(provider: name) }
        guard let value else { return [:] }
        return try reader.configuration(try reader.mapping(value).entries)
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

    /// Names of environment variables, which are not replaced here: they fill what a deployment does not say.
    private func environment(_ value: SourceValue?) throws(ConfigurationError) -> Set<String> {
        guard let value else { return [] }
        var names: Set<String> = []
        for item in try reader.list(value, limit: Self.mostVariables) {
            guard case .string(let name) = item.content, ValueReader.isVariableName(name) else {
                throw ConfigurationError(
                    .badValue,
                    at: item.location,
                    "must be a variable's name alone, such as ACME_API_KEY: letters, digits and _."
                )
            }
            guard names.insert(name).inserted else {
                throw ConfigurationError(.duplicate, at: item.location, "this variable stands twice. Remove one.")
            }
        }
        return names
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
}
