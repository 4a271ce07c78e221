import HostPlugins

/// How a plugin stands and what has happened to it.
struct PluginOverview: Sendable {
    let id: String
    /// Nil if the plugin is not there any more, or never was more than refused.
    let state: PluginState?
    let meters: PluginMeterReading?

    /// Whether requests can reach it.
    var standing: PluginState.Standing { state?.standing ?? .failed }

    /// All plugins of which something is known, in the order of their ids.
    static func all(_ plugins: PluginHost) -> [PluginOverview] {
        let states = Dictionary(plugins.states.map { ($0.id, $0) }) { first, _ in first }
        let readings = Dictionary(plugins.meters.readings.map { ($0.plugin, $0) }) { first, _ in first }
        return Set(states.keys).union(readings.keys).sorted()
            .map { PluginOverview(id: $0, state: states[$0], meters: readings[$0]) }
    }
}
