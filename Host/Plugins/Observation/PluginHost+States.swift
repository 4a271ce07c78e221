import HostCore

extension PluginHost {
    /// How every plugin stands that has deployments, in the order of the ids.
    package var states: [PluginState] {
        let served = current
        let targets = Dictionary(grouping: served.targets.values) { $0.instance.definition.id }
        let loaded = served.plugins.map { id, plugin in
            plugin.instance.state(serving: targets[id] ?? [], problem: served.refusals[id]?.error.message)
        }
        let failed = served.refusals.filter { served.plugins[$0.key] == nil }.map { id, refused in
            PluginState(
                id: id,
                version: nil,
                sha256: nil,
                manifest: refused.definition.manifestPath,
                isolation: refused.definition.limits == nil ? .inProcess : .process,
                standing: .failed,
                problem: refused.error.message,
                deployments: served.models.deployments.filter { $0.plugin == id }.map(\.id.description).sorted()
            )
        }
        return (loaded + failed).sorted { $0.id < $1.id }
    }

    /// How a plugin stands; nil if no deployment uses it.
    package func state(of plugin: String) -> PluginState? { states.first { $0.id == plugin } }
}

extension PluginInstance {
    /// How the plugin stands, the deployments that are its targets, and why it is not what lies on the disk.
    func state(serving targets: [PluginTarget], problem: String? = nil) -> PluginState {
        PluginState(
            id: definition.id,
            version: facts.version,
            sha256: facts.sha256,
            manifest: definition.manifestPath,
            isolation: workers == nil ? .inProcess : .process,
            standing: workers?.standing ?? .serving,
            problem: problem,
            operations: OperationKind.allCases.filter(facts.serves).map(\.name),
            deployments: targets.map(\.deployment.id.description).sorted(),
            workers: workers?.workers ?? [],
            sandbox: workers?.sandbox ?? [:],
            breaker: workers?.breaker
        )
    }
}
