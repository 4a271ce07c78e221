import HostCore

/// What `router_settings` says, with LiteLLM's names, and those of `litellm_settings` that mean the same.
struct RouterSettings {
    let routing: RoutingRules
    /// Of deployments that have none of their own.
    let timeout: Duration?
    /// Of deployments that have none of their own.
    let maximumParallel: Int?
    /// The models that fallbacks name, each with its place.
    let fallbackNames: [(name: String, location: SourceLocation)]

    /// Makes sure that fallbacks name models that exist.
    func check(among known: Set<String>) throws(ConfigurationError) {
        for (name, location) in fallbackNames where !known.contains(name) {
            let advice = KeySuggestion.nearest(to: name, among: known.sorted()).map { "Did you mean \($0)?" }
            throw ConfigurationError(
                .badValue,
                at: location,
                "no entry of model_list has the model_name \"\(name.onOneLine())\". \(advice ?? "Add one.")"
            )
        }
    }
}

/// Reads `router_settings` and what `litellm_settings` has of it.
struct RouterSettingsReader {
    private static let mostRetries: Int64 = 10
    private static let mostAllowedFailures: Int64 = 1_000_000
    private static let longestCooldownInSeconds: Int64 = 3600
    private static let longestPauseInSeconds: Int64 = 60
    private static let mostFallbacks = 5
    /// What is read here, by the section it stands in.
    private static let routerKeys: Set<String> = [
        "routing_strategy", "num_retries", "retry_after", "timeout", "allowed_fails", "cooldown_time",
        "disable_cooldowns", "fallbacks", "default_fallbacks", "default_max_parallel_requests",
    ]
    private static let liteLLMKeys: Set<String> = [
        "num_retries", "request_timeout", "allowed_fails", "cooldown_time", "fallbacks", "default_fallbacks",
        "ssl_verify",
    ]

    let reader: ValueReader
    let router: SourceMapping?
    let liteLLM: SourceMapping?

    /// The settings; a warning is added for each key that has no effect.
    func settings(warnings: inout [String]) throws(ConfigurationError) -> RouterSettings {
        for (section, known) in [(liteLLM, Self.liteLLMKeys), (router, Self.routerKeys)] {
            for entry in section?.entries ?? [] where !known.contains(entry.key) {
                warnings.append("\(entry.value.location): has no effect in this version.")
            }
        }
        let timeout = try seconds(value("timeout", "request_timeout"), upTo: ModelListReader.longestTimeoutInSeconds)
        let (fallbacks, names) = try fallbacks()
        let retry = RetryRules(
            retries: Int(try integer(value("num_retries"), in: 0...Self.mostRetries) ?? 0),
            shortestPause: try seconds(router?["retry_after"], upTo: Self.longestPauseInSeconds, orZero: true) ?? .zero,
            patience: timeout ?? .seconds(600),
            fallbacks: fallbacks
        )
        let limit = try integer(router?["default_max_parallel_requests"], in: ModelListReader.parallelRequests)
        return RouterSettings(
            routing: RoutingRules(strategy: try strategy(), cooldown: try cooldown(), retry: retry),
            timeout: timeout,
            maximumParallel: limit.map { Int($0) },
            fallbackNames: names
        )
    }

    /// A value of `router_settings`, else of `litellm_settings`.
    private func value(_ key: String, _ liteLLMKey: String? = nil) -> SourceValue? {
        router?[key] ?? liteLLM?[liteLLMKey ?? key]
    }

    private func integer(_ value: SourceValue?, in range: ClosedRange<Int64>) throws(ConfigurationError) -> Int64? {
        guard let value else { return nil }
        return try reader.integer(value, in: range)
    }

    private func seconds(
        _ value: SourceValue?,
        upTo limit: Int64,
        orZero: Bool = false
    ) throws(ConfigurationError) -> Duration? {
        guard let value else { return nil }
        return try reader.seconds(value, upTo: limit, orZero: orZero)
    }

    private func strategy() throws(ConfigurationError) -> RoutingStrategy {
        guard let value = router?["routing_strategy"] else { return .simpleShuffle }
        return try reader.word(value, of: [RoutingStrategy.simpleShuffle, .leastBusy])
    }

    private func cooldown() throws(ConfigurationError) -> CooldownRules {
        let defaults = CooldownRules()
        let allowed = try integer(value("allowed_fails"), in: 0...Self.mostAllowedFailures).map { Int($0) }
        let time = try seconds(value("cooldown_time"), upTo: Self.longestCooldownInSeconds, orZero: true)
        if let value = router?["disable_cooldowns"], try reader.bool(value) { return .none }
        if let time, time == .zero { return .none }
        return CooldownRules(
            allowedFailures: allowed ?? defaults.allowedFailures,
            cooldown: time ?? defaults.cooldown
        )
    }

    // MARK: Fallbacks

    private typealias Names = [(name: String, location: SourceLocation)]

    private func fallbacks() throws(ConfigurationError) -> (rules: [String: [String]], names: Names) {
        var rules: [String: [String]] = [:]
        var names: Names = []
        if let list = value("default_fallbacks") { rules[RetryRules.anyModel] = try models(list, &names) }
        guard let list = value("fallbacks") else { return (rules, names) }
        for item in try reader.list(list) {
            for entry in try reader.mapping(item).entries {
                if entry.key != RetryRules.anyModel { names.append((entry.key, entry.value.location)) }
                guard rules.updateValue(try models(entry.value, &names), forKey: entry.key) == nil else {
                    throw ConfigurationError(
                        .duplicate,
                        at: entry.value.location,
                        "the fallbacks of this model stand in another place, too. Keep one list."
                    )
                }
            }
        }
        return (rules, names)
    }

    private func models(_ list: SourceValue, _ names: inout Names) throws(ConfigurationError) -> [String] {
        var models: [String] = []
        for item in try reader.list(list) {
            let name = try reader.string(item)
            names.append((name, item.location))
            models.append(name)
        }
        guard models.count <= Self.mostFallbacks else {
            throw ConfigurationError(
                .badValue,
                at: list.location,
                "more than \(Self.mostFallbacks) models are not tried for one request. Remove some."
            )
        }
        return models
    }
}
