import HostCore
import HostPlugins
import NIOCore

/// What the last probe of every deployment found.
///
/// However many ask, the providers are probed once in ``lifetime``.
actor HealthBoard {
    /// One deployment's state.
    struct Entry: Encodable, Sendable {
        private enum CodingKeys: String, CodingKey {
            case modelName = "model_name"
            case model
            case deployment = "model_id"
            case plugin
            case isProbed = "probed"
            case error
            case outstanding = "outstanding_requests"
            case maximumParallel = "max_parallel_requests"
            case rest = "cooldown_seconds"
            case pluginState = "plugin_state"
        }

        let modelName: String
        let model: String
        let deployment: String
        let plugin: String
        /// Whether the plugin has a probe; without one only its configuration is known to be good.
        let isProbed: Bool
        var error: String?
        /// Operations that run or wait, on this host.
        var outstanding: Int = 0
        let maximumParallel: Int?
        /// For how long it is not chosen if there is another; nil if it may be.
        var rest: Double?
        /// How its plugin stands now; nil if nothing is known of it.
        var pluginState: String?
    }

    static let lifetime: Duration = .seconds(15)

    private let plugins: PluginHost
    private var latest: (entries: Task<[Entry], Never>, edition: UInt64, at: ContinuousClock.Instant)?

    init(plugins: PluginHost) { self.plugins = plugins }

    /// Every deployment's state: what its probe found is at most ``lifetime`` old, its standing is of now.
    func entries() async -> [Entry] {
        let served = plugins.current
        let probed = await probed()
        let states = Dictionary(plugins.states.map { ($0.id, $0) }) { first, _ in first }
        return probed.map { entry in
            let standing = served.standing(of: DeploymentID(entry.deployment))
            var entry = entry
            if let state = states[entry.plugin] { entry.show(state) }
            entry.outstanding = standing.outstanding
            entry.rest = standing.rest?.shownSeconds
            return entry
        }
    }

    private func probed() async -> [Entry] {
        let served = plugins.current
        if let latest, latest.edition == served.edition, latest.at.advanced(by: Self.lifetime) > .now {
            return await latest.entries.value
        }
        // Shared by everybody who asks meanwhile, so it is no child of the first one's request.
        let probes = Task { [plugins] in
            await PluginSnapshot.$pinned.withValue(served) { await Self.probe(plugins, served.models.deployments) }
        }
        latest = (probes, served.edition, .now)
        return await probes.value
    }

    private static func probe(_ plugins: PluginHost, _ deployments: [Deployment]) async -> [Entry] {
        await withTaskGroup(of: (Int, Entry).self) { group in
            for (index, deployment) in deployments.enumerated() {
                group.addTask { (index, await probe(plugins, deployment)) }
            }
            let found = await group.reduce(into: []) { $0.append($1) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func probe(_ plugins: PluginHost, _ deployment: Deployment) async -> Entry {
        let served = plugins.current
        let isProbed = served.target(deployment.id)?.serves(.probe) ?? false
        var problem = served.failure(of: deployment.id)?.message
        if isProbed {
            do {
                let request = OperationRequest(.probe, requestID: "health", input: ByteBuffer(string: "{}"))
                _ = try await plugins.run(request, on: deployment.id)
            } catch {
                problem = error.message
            }
        }
        return Entry(
            modelName: deployment.modelName,
            model: deployment.configuredModel,
            deployment: deployment.id.description,
            plugin: deployment.plugin,
            isProbed: isProbed,
            error: problem,
            maximumParallel: deployment.maximumParallel
        )
    }
}

extension HealthBoard.Entry {
    /// What an earlier probe found does not stand against a plugin that takes no requests now.
    fileprivate mutating func show(_ state: PluginState) {
        pluginState = state.standing.rawValue
        guard state.standing == .failed, error == nil else { return }
        error = "The plugin \(state.id) does not take requests now. GET /plugins/\(state.id) tells administrators why."
    }
}
