import HostCore

/// What is served at a moment: models, deployments, their plugins and the rules between them, which fit together.
///
/// It never changes; a ``PluginHost`` has another one after each change, and whoever holds this one goes on with it.
package final class PluginSnapshot: Sendable {
    /// The snapshot that a request began with, for what is done in its task.
    @TaskLocal
    package static var pinned: PluginSnapshot?

    /// Another number if anything but the state of files is other than before.
    package let edition: UInt64
    package let models: ModelTable
    package let routing: RoutingRules
    let plugins: [String: LoadedPlugin]
    let targets: [DeploymentID: PluginTarget]
    /// Why a configured deployment has no target.
    let failures: [DeploymentID: PluginError]
    /// Why plugins are not what lies on the disk now; what was there before may go on.
    let refusals: [String: RefusedPlugin]

    init(
        edition: UInt64,
        models: ModelTable,
        routing: RoutingRules,
        plugins: [String: LoadedPlugin],
        targets: [DeploymentID: PluginTarget],
        failures: [DeploymentID: PluginError],
        refusals: [String: RefusedPlugin]
    ) {
        self.edition = edition
        self.models = models
        self.routing = routing
        self.plugins = plugins
        self.targets = targets
        self.failures = failures
        self.refusals = refusals
    }

    /// Nothing is served.
    static let empty = PluginSnapshot(
        edition: 0,
        models: ModelTable([]),
        routing: RoutingRules(),
        plugins: [:],
        targets: [:],
        failures: [:],
        refusals: [:]
    )

    /// The deployment as its plugin sees it.
    package func target(_ id: DeploymentID) -> PluginTarget? { targets[id] }

    /// Why a configured deployment serves nothing, for its operator; nil if it does, or is not configured.
    package func problem(of id: DeploymentID) -> String? { failures[id]?.message }

    /// Why a configured deployment serves nothing, for a client; nil if it does, or is not configured.
    package func failure(of id: DeploymentID) -> OperationFailure? {
        guard failures[id] != nil else { return nil }
        let plugin = models.deployment(id).map { " \($0.plugin)" } ?? ""
        return OperationFailure(
            .pluginFailed,
            "The plugin\(plugin) of this deployment could not be loaded. The gateway's log says why.",
            retryAfter: .seconds(10),
            mayFallBack: true
        )
    }

    /// How a deployment does; one that serves nothing is the last to be chosen.
    package func standing(of id: DeploymentID) -> DeploymentStanding {
        if let target = targets[id] { return target.standing }
        return failures[id] == nil ? DeploymentStanding() : DeploymentStanding(rest: .seconds(3600))
    }

    /// The target for an operation.
    ///
    /// - Throws: ``OperationFailure`` with `.notFound` if the deployment is not configured, or `.pluginFailed`.
    func known(_ id: DeploymentID) throws(OperationFailure) -> PluginTarget {
        if let target = targets[id] { return target }
        throw failure(of: id)
            ?? OperationFailure(.notFound, "The deployment \(id) is not configured any more.")
    }
}

/// A plugin as it lies on the disk and is not taken.
struct RefusedPlugin: Sendable {
    let definition: PluginDefinition
    let error: PluginError
}

/// A plugin that takes operations, with what it was made of.
struct LoadedPlugin: Sendable {
    let definition: PluginDefinition
    let instance: PluginInstance
    /// Counts the versions of this plugin in this process, from 1.
    let generation: UInt64
    /// Which bytes it was made of.
    let identity: String
    /// The files as they were before they were read.
    let stamps: FileStamps
}
