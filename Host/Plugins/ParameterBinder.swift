import FoundationEssentials
import HostCore
import HostUpstream
import Logging

/// Turns a deployment's parameters into what its plugin may see: secrets become names, endpoints become reach.
struct ParameterBinder {
    private static let maximumDocumentBytes = 64 * 1024

    let rules: [String: PluginDescription.Parameter]
    let secrets: SecretStore
    let environment: [String: String]
    /// The only variables of it that rules may name; nil for all.
    let listedVariables: Set<String>?
    /// Whether what looks like a secret by its name is one, whatever the rules say: they are the plugin's own words.
    let guardsSecrets: Bool
    /// Whose secrets the parameters hold.
    let scope: SecretStore.Scope
    /// Where the parameters stand, for messages.
    let location: String
    /// Keeps the secrets; nil if they stay as long as the store.
    let lease: SecretLease?

    private(set) var endpoints: Set<UpstreamEndpoint> = []
    /// Variables that would have filled a parameter if the manifest listed them.
    private(set) var unlistedVariables: Set<String> = []

    /// Makes a binder for one set of parameters.
    init(
        rules: [String: PluginDescription.Parameter],
        secrets: SecretStore,
        environment: [String: String],
        listedVariables: Set<String>? = nil,
        guardsSecrets: Bool = false,
        scope: SecretStore.Scope,
        location: String,
        lease: SecretLease? = nil
    ) {
        self.lease = lease
        self.rules = rules
        self.secrets = secrets
        self.environment = environment
        self.listedVariables = listedVariables
        self.guardsSecrets = guardsSecrets
        self.scope = scope
        self.location = location
    }

    /// Binds all parameters and returns the JSON for the plugin; ``endpoints`` then holds the operator's own hosts.
    mutating func bind(_ parameters: [String: ConfigurationValue]) throws(PluginError) -> [UInt8] {
        var bound = parameters.filter { $0.value != .null }
        for (name, rule) in rules {
            if bound[name] == nil, let variable = rule.environmentVariable { bound[name] = content(of: variable) }
            guard let value = bound[name] else { continue }
            bound[name] = try bind(value, name: name, rule: rule)
        }
        for (name, value) in bound where rules[name] == nil { bound[name] = try clear(value, name: name, key: name) }
        do {
            // In one order, so that what is bound again can be told from what has changed.
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return Array(try encoder.encode(ConfigurationValue.map(bound)))
        } catch {
            throw refusal("its parameters cannot be written as JSON (a number is not finite?)")
        }
    }

    /// Says which variables the plugin names, the host has and the manifest does not list.
    func logUnlistedVariables(to logger: Logger) {
        for variable in unlistedVariables.sorted() {
            logger.notice(
                "a variable fills no parameter of this plugin: add it to `environment` of the manifest if it should",
                metadata: ["plugin.variable": "\(variable)"]
            )
        }
    }

    private mutating func content(of variable: String) -> ConfigurationValue? {
        guard let value = environment[variable], !value.isEmpty else { return nil }
        guard listedVariables?.contains(variable) ?? true else {
            unlistedVariables.insert(variable)
            return nil
        }
        return .string(value)
    }

    private mutating func bind(
        _ value: ConfigurationValue,
        name: String,
        rule: PluginDescription.Parameter
    ) throws(PluginError) -> ConfigurationValue {
        switch rule.kind {
        case .value: return try clear(value, name: name, key: name)
        case .secret: return try secret(value, name: name)
        case .endpoint: return try endpoint(value, name: name, key: name)
        case .credentials: return try credentials(value, name: name, rule: rule)
        }
    }

    /// What the plugin sees as it is, but for what looks like a secret by its key, or by one that it stands under.
    private func clear(
        _ value: ConfigurationValue,
        name: String,
        key: String
    ) throws(PluginError) -> ConfigurationValue {
        guard guardsSecrets else { return value }
        switch value {
        case .string(let text):
            guard !text.isEmpty, SecretKeys.holds(key) else { return value }
            return try secret(value, name: name)
        case .list(let items):
            var values: [ConfigurationValue] = []
            for (index, item) in items.enumerated() {
                values.append(try clear(item, name: "\(name)[\(index)]", key: key))
            }
            return .list(values)
        case .map(let members):
            var values: [String: ConfigurationValue] = [:]
            for (member, value) in members {
                values[member] = try clear(value, name: "\(name).\(member)", key: "\(key).\(member)")
            }
            return .map(values)
        case .null, .bool, .integer, .double: return value
        }
    }

    private mutating func endpoint(
        _ value: ConfigurationValue,
        name: String,
        key: String
    ) throws(PluginError) -> ConfigurationValue {
        // A key of a provider would pass for the name of a host.
        if guardsSecrets, SecretKeys.holds(key), case .string(let text) = value, !text.contains("://") {
            return try secret(value, name: name)
        }
        try allow(value, name: name)
        return value
    }

    private func secret(_ value: ConfigurationValue, name: String) throws(PluginError) -> ConfigurationValue {
        guard case .string(let text) = value, !text.isEmpty else {
            throw refusal("\(name) must be a non-empty string")
        }
        guard text.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x0a || $0 == 0x0d }) else {
            throw refusal("\(name) contains control characters")
        }
        return .map(["secret": .string(secrets.add(text, parameter: name, scope: scope, lease: lease))])
    }

    private mutating func allow(_ value: ConfigurationValue, name: String) throws(PluginError) {
        guard case .string(let text) = value else { throw refusal("\(name) must be a URL") }
        let url = text.contains("://") ? text : "http://\(text)"
        do {
            endpoints.insert(try UpstreamURL(parsing: url).endpoint)
        } catch {
            throw refusal("\(name) is not an http or https URL")
        }
    }

    private mutating func credentials(
        _ value: ConfigurationValue,
        name: String,
        rule: PluginDescription.Parameter
    ) throws(PluginError) -> ConfigurationValue {
        guard case .map(var document) = try credentialsDocument(value, name: name) else {
            throw refusal("\(name) is not a JSON object")
        }
        for (member, value) in document where value != .null {
            let name = "\(name).\(member)"
            // By the member alone: what holds the document is called credentials anyway.
            document[member] =
                if rule.members.contains(member) {
                    try secret(value, name: name)
                } else if rule.endpoints.contains(member) {
                    try endpoint(value, name: name, key: member)
                } else {
                    try clear(value, name: name, key: member)
                }
        }
        return .map(document)
    }

    /// Credentials come as a mapping, as JSON text, or as the path of a JSON file.
    private func credentialsDocument(
        _ value: ConfigurationValue,
        name: String
    ) throws(PluginError) -> ConfigurationValue {
        guard case .string(let text) = value else { return value }
        let json: Data
        if text.drop(while: \.isWhitespace).hasPrefix("{") {
            json = Data(text.utf8)
        } else {
            do {
                json = Data(try RegularFile.read(text, atMost: Self.maximumDocumentBytes))
            } catch {
                // What does not look like a path may be a credential itself, which no message shows.
                let isPath = text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../")
                let file = isPath ? "the file \(text.truncated(toBytes: 256))" : "what it names, if it is a path,"
                throw refusal("\(name): \(file) cannot be read as a file of at most 64 KiB. Check path and permissions")
            }
        }
        guard json.count <= Self.maximumDocumentBytes else { throw refusal("\(name) is larger than 64 KiB") }
        do {
            return try JSONDecoder().decode(ConfigurationValue.self, from: json)
        } catch {
            throw refusal("\(name) is neither a JSON document nor the path of one")
        }
    }

    private func refusal(_ what: String) -> PluginError {
        PluginError(.configurationRefused, "\(location): \(what).")
    }
}
