import HostCore

/// Everything that a configuration says about plugins and models: what a ``PluginHost`` is to serve.
package struct PluginPlan: Sendable {
    /// The manifests that can be used, each id once.
    package let plugins: [PluginDefinition]
    /// The deployments in the configuration's order, each id once.
    package let targets: [TargetDefinition]
    package let routing: RoutingRules
    /// The process's environment, for parameters that come from it.
    package let variables: [String: String]

    /// Makes a plan.
    package init(
        plugins: [PluginDefinition],
        targets: [TargetDefinition],
        routing: RoutingRules = RoutingRules(),
        variables: [String: String]
    ) {
        self.plugins = plugins
        self.targets = targets
        self.routing = routing
        self.variables = variables
    }
}

/// What became of a plan.
package struct PluginReport: Sendable {
    package enum Verdict: Sendable {
        /// It is in the process or in its workers, and takes what begins from now on.
        case loaded(generation: UInt64, sha256: String)
        case unchanged
        /// No deployment uses it.
        case unused
        /// The generation before goes on, if there was one.
        case refused(PluginError, earlierStays: Bool)
    }

    /// One manifest.
    package struct Plugin: Sendable {
        package let id: String
        /// The manifest's path.
        package let manifest: String
        package let verdict: Verdict

        /// Why it is refused, with its manifest; nil if it is not.
        package var refusal: String? {
            guard case .refused(let error, _) = verdict else { return nil }
            return error.message.contains(manifest) ? error.message : "\(manifest): \(error.message)"
        }
    }

    /// A deployment that was refused.
    package struct RefusedTarget: Sendable {
        package let deployment: DeploymentID
        package let error: PluginError
        /// Whether what was there before goes on in its place.
        package let earlierStays: Bool
    }

    package internal(set) var plugins: [Plugin] = []
    package internal(set) var refusedTargets: [RefusedTarget] = []
    /// How many deployments are as they were, and how many are new or others.
    package internal(set) var keptTargets = 0
    package internal(set) var newTargets = 0
    /// Plugins that were there before and are no more.
    package internal(set) var removedPlugins: [String] = []
    /// Deployments that were there before and are no more.
    package internal(set) var removedTargets: [DeploymentID] = []

    /// Whether a plugin or a deployment was refused for a worker that died, fell silent or could not be started: that
    /// may go well the next time, although no file changes.
    package var isWorthRepeating: Bool {
        let plugins = plugins.contains { plugin in
            if case .refused(let error, _) = plugin.verdict { error.code == .workerFailed } else { false }
        }
        return plugins || refusedTargets.contains { $0.error.code == .workerFailed }
    }

    /// Every refusal, a line each.
    package var refusals: [String] {
        let plugins = plugins.compactMap(\.refusal)
        return plugins + refusedTargets.map(\.error.message)
    }
}
