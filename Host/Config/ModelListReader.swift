import HostCore

/// Reads `model_list`.
struct ModelListReader {
    private static let entryKeys = ["model_name", "litellm_params", "model_info", "plugin"]
    private static let keptParameters: Set<String> = [
        "model", "timeout", "weight", "plugin", "max_parallel_requests",
    ]
    private static let ignoredParameters: Set<String> = [
        "rpm", "tpm", "input_cost_per_token", "output_cost_per_token",
    ]
    static let parallelRequests: ClosedRange<Int64> = 1...1_000_000
    static let longestTimeoutInSeconds: Int64 = 86_400
    private static let largestWeight: Int64 = 1_000_000

    let reader: ValueReader
    let plugins: PluginDirectory
    let router: RouterSettings
    /// Whether a provider that no manifest serves is an error; else its deployments are left out.
    let refusesUnserved: Bool
    private(set) var warnings: [String] = []
    /// The entries that have no plugin.
    private(set) var leftOut: [LeftOutDeployment] = []
    /// Every `model_name`, also of those.
    private(set) var names: Set<String> = []
    private var positions: [String: Int] = [:]
    private var places: [DeploymentID: SourceLocation] = [:]

    init(reader: ValueReader, plugins: PluginDirectory, router: RouterSettings, refusesUnserved: Bool) {
        self.reader = reader
        self.router = router
        self.plugins = plugins
        self.refusesUnserved = refusesUnserved
    }

    /// The deployments, in order.
    mutating func deployments(_ list: SourceValue) throws(ConfigurationError) -> [DeploymentConfiguration] {
        let items = try reader.list(list)
        guard !items.isEmpty else {
            throw ConfigurationError(.missingKey, at: list.location, "the list is empty. Add a model.")
        }
        var deployments: [DeploymentConfiguration] = []
        for item in items {
            if let deployment = try deployment(item) { deployments.append(deployment) }
        }
        return deployments
    }

    private mutating func deployment(_ item: SourceValue) throws(ConfigurationError) -> DeploymentConfiguration? {
        let entry = try reader.mapping(item)
        try entry.refuseKeys(except: Self.entryKeys)
        let nameValue = try entry.required("model_name", "Give the name that clients use.")
        let name = try modelName(nameValue)
        let parametersValue = try entry.required("litellm_params", "Give the model and how to reach it.")
        let parameters = try reader.mapping(parametersValue)
        let model = try parameters.required("model", "Give the provider's model, such as openai/gpt-4o-mini.")
        let choice = try choosePlugin(for: model, named: pluginKey(entry, parameters))
        let id = try deploymentID(entry, modelName: name, nameLocation: nameValue.location)
        names.insert(name)
        if case .leaveOut(let reason) = choice.use {
            leftOut.append(LeftOutDeployment(id: id, modelName: name, reason: reason, location: item.location))
            return nil
        }
        let refusal: String? = if case .refused(let reason) = choice.use { reason } else { nil }
        let passed = passedParameters(parameters)
        var values = try reader.configuration(passed)
        values["model"] = .string(choice.upstreamModel)
        var locations = Dictionary(passed.map { ($0.key, $0.value.location) }) { first, _ in first }
        locations["model"] = model.location
        return DeploymentConfiguration(
            deployment: Deployment(
                id: id,
                modelName: name,
                configuredModel: choice.configuredModel,
                upstreamModel: choice.upstreamModel,
                plugin: choice.plugin,
                weight: try weight(parameters),
                timeout: try timeout(parameters),
                maximumParallel: try maximumParallel(parameters)
            ),
            parameters: values,
            refusal: refusal,
            source: item.location,
            parameterLocations: locations
        )
    }

    private func weight(_ parameters: SourceMapping) throws(ConfigurationError) -> Int {
        guard let value = parameters["weight"] else { return 1 }
        return Int(try reader.integer(value, in: 1...Self.largestWeight))
    }

    private func timeout(_ parameters: SourceMapping) throws(ConfigurationError) -> Duration {
        guard let value = parameters["timeout"] else { return router.timeout ?? .seconds(600) }
        return try reader.seconds(value, upTo: Self.longestTimeoutInSeconds)
    }

    private func maximumParallel(_ parameters: SourceMapping) throws(ConfigurationError) -> Int? {
        guard let value = parameters["max_parallel_requests"] else { return router.maximumParallel }
        return Int(try reader.integer(value, in: Self.parallelRequests))
    }

    private mutating func modelName(_ value: SourceValue) throws(ConfigurationError) -> String {
        let name = try reader.string(value)
        guard (1...128).contains(name.utf8.count), name == name.onOneLine(limit: 128) else {
            throw ConfigurationError(.badValue, at: value.location, "must be 1 to 128 bytes of printable text.")
        }
        guard !name.contains("*") else {
            throw ConfigurationError(
                .unsupported,
                at: value.location,
                "names with a * are not supported. Add an entry for each model."
            )
        }
        if name.contains(",") || name.first == " " || name.last == " " {
            let problem = "target_model_names cannot name this model: a comma separates names and outer spaces are cut."
            warnings.append("\(value.location): \(problem)")
        }
        return name
    }

    private mutating func passedParameters(_ parameters: SourceMapping) -> [SourceEntry] {
        parameters.entries.filter { entry in
            if Self.ignoredParameters.contains(entry.key) {
                warnings.append("\(entry.value.location): is not enforced in this version.")
                return false
            }
            return !Self.keptParameters.contains(entry.key)
        }
    }

    private mutating func deploymentID(
        _ entry: SourceMapping,
        modelName: String,
        nameLocation: SourceLocation
    ) throws(ConfigurationError) -> DeploymentID {
        let position = positions[modelName, default: 0] + 1
        positions[modelName] = position
        var id = DerivedDeploymentID.make(modelName: modelName, position: position)
        var place = nameLocation
        if let info = entry["model_info"], let value = try reader.mapping(info)["id"] {
            id = try statedID(value)
            place = value.location
        }
        if let other = places.updateValue(place, forKey: id) {
            throw ConfigurationError(
                .duplicate,
                at: place,
                "this deployment has the same id as \(other). Give each its own model_info.id."
            )
        }
        return id
    }

    private func statedID(_ value: SourceValue) throws(ConfigurationError) -> DeploymentID {
        if case .integer(let number) = value.content { return DeploymentID(String(number)) }
        let text = try reader.string(value)
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ 0x21...0x7e ~= $0 && $0 != 0x2c }) else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be 1 to 128 visible ASCII characters without a comma."
            )
        }
        return DeploymentID(text)
    }

    private func pluginKey(
        _ entry: SourceMapping,
        _ parameters: SourceMapping
    ) throws(ConfigurationError) -> SourceValue? {
        guard let inner = parameters["plugin"] else { return entry["plugin"] }
        guard let outer = entry["plugin"] else { return inner }
        throw ConfigurationError(.duplicate, at: inner.location, "plugin is also set in \(outer.location). Keep one.")
    }

    private func choosePlugin(
        for modelValue: SourceValue,
        named pluginValue: SourceValue?
    ) throws(ConfigurationError) -> PluginChoice {
        let model = try reader.string(modelValue)
        guard (1...512).contains(model.utf8.count), model == model.onOneLine(limit: 512) else {
            throw ConfigurationError(.badValue, at: modelValue.location, "must be 1 to 512 bytes of printable text.")
        }
        let slash = model.firstIndex(of: "/")
        let prefix = slash.map { String(model[..<$0]) }
        let plugin: PluginCandidate
        if let pluginValue {
            plugin = try namedPlugin(pluginValue)
        } else {
            plugin = try servingPlugin(prefix ?? "openai", of: modelValue)
        }
        var upstream = model
        if let slash, let prefix, plugin.providers.contains(prefix) {
            upstream = String(model[model.index(after: slash)...])
        }
        guard !upstream.isEmpty else {
            throw ConfigurationError(.badValue, at: modelValue.location, "no model stands after the /. Name one.")
        }
        return PluginChoice(plugin: plugin.id, configuredModel: model, upstreamModel: upstream, use: plugin.use)
    }

    private func namedPlugin(_ value: SourceValue) throws(ConfigurationError) -> PluginCandidate {
        let id = try reader.string(value)
        if let known = plugins.candidate(id: id) { return known }
        let name = try reader.resolved(value).shown
        return try unserved(
            ConfigurationError(
                .badValue,
                at: value.location,
                "no enabled plugin has the id \(name). There are: \(plugins.ids)."
            ),
            id: id,
            provider: nil
        )
    }

    private func servingPlugin(
        _ provider: String,
        of model: SourceValue
    ) throws(ConfigurationError) -> PluginCandidate {
        if let known = plugins.candidate(provider: provider) { return known }
        let isPrivate = try reader.resolved(model).variable != nil
        let name = isPrivate ? "this model" : "the provider \"\(provider.onOneLine())\""
        return try unserved(
            ConfigurationError(
                .badValue,
                at: model.location,
                "no enabled plugin serves \(name). The providers are: \(plugins.providers)."
            ),
            id: nil,
            provider: provider
        )
    }

    /// Nobody serves an entry as far as one can tell.
    private func unserved(
        _ error: ConfigurationError,
        id: String?,
        provider: String?
    ) throws(ConfigurationError) -> PluginCandidate {
        // A manifest of which nothing can be read may be the one.
        if let unreadable = plugins.unreadable { return unreadable.serving(id: id, provider: provider) }
        guard refusesUnserved else {
            return PluginCandidate(id: id ?? "", providers: [], use: .leaveOut(error.message))
        }
        throw error
    }
}

/// Which plugin serves an entry, and by which names.
private struct PluginChoice {
    let plugin: String
    let configuredModel: String
    let upstreamModel: String
    let use: PluginCandidate.Use
}
