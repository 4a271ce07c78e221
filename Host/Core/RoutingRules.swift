/// How requests find their deployments, and what is done when one fails.
package struct RoutingRules: Hashable, Sendable {
    package let strategy: RoutingStrategy
    package let cooldown: CooldownRules
    package let retry: RetryRules

    /// Makes rules; the default is to try each deployment of a model once.
    package init(
        strategy: RoutingStrategy = .simpleShuffle,
        cooldown: CooldownRules = CooldownRules(),
        retry: RetryRules = RetryRules()
    ) {
        self.strategy = strategy
        self.cooldown = cooldown
        self.retry = retry
    }
}

/// What is done when no deployment of a model could serve a request.
package struct RetryRules: Hashable, Sendable {
    /// Stands for every model in ``fallbacks``.
    package static let anyModel = "*"

    /// How often the deployments of one model are tried again, after a pause.
    package let retries: Int
    /// No pause is shorter.
    package let shortestPause: Duration
    /// Once a request is this old nothing more is tried for it.
    package let patience: Duration
    /// The models to try instead, in this order, by what the client called the model.
    package let fallbacks: [String: [String]]

    /// Makes rules; the default is not to try again.
    package init(
        retries: Int = 0,
        shortestPause: Duration = .zero,
        patience: Duration = .seconds(600),
        fallbacks: [String: [String]] = [:]
    ) {
        self.retries = retries
        self.shortestPause = shortestPause
        self.patience = patience
        self.fallbacks = fallbacks
    }

    /// The models to try instead of one, each once.
    func fallbacks(of model: String) -> [String] {
        guard !fallbacks.isEmpty else { return [] }
        var seen: Set<String> = [model]
        return (fallbacks[model] ?? fallbacks[Self.anyModel] ?? []).filter { seen.insert($0).inserted }
    }
}
