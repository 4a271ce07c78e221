import HostCore

extension PluginHost {
    /// How every plugin stands that has deployments, in the order of the ids.
    package var states: [PluginState] {
        Dictionary(grouping: targets.values) { ObjectIdentifier($0.instance) }.values
            .compactMap { targets in targets.first.map { $0.instance.state(serving: targets) } }
            .sorted { $0.id < $1.id }
    }

    /// How a plugin stands; nil if no deployment uses it.
    package func state(of plugin: String) -> PluginState? { states.first { $0.id == plugin } }
}

extension PluginInstance {
    /// How the plugin stands, and the deployments that are its targets.
    func state(serving targets: [PluginTarget]) -> PluginState {
        PluginState(
            id: definition.id,
            version: facts.version,
            sha256: facts.sha256,
            manifest: definition.manifestPath,
            isolation: workers == nil ? .inProcess : .process,
            standing: workers?.standing ?? .serving,
            operations: OperationKind.allCases.filter(facts.serves).map(\.name),
            deployments: targets.map(\.deployment.id.description).sorted(),
            workers: workers?.workers ?? [],
            sandbox: workers?.sandbox ?? [:],
            breaker: workers?.breaker
        )
    }
}
