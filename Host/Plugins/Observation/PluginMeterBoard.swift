import HostCore
import Synchronization

/// The meters of all plugins; those of a plugin stay the same however often it is loaded.
package final class PluginMeterBoard: Sendable {
    /// As many plugins have meters of their own; what is noted of others is noted together, so that a folder full of
    /// made-up manifests does not fill the memory.
    static let maximumPlugins = 1024
    /// The id of the meters that the others share; no plugin can have it.
    static let othersID = "(others)"

    private let clock: any WallClock
    private let meters = Mutex<[String: PluginMeters]>([:])
    private let others: PluginMeters

    /// Makes an empty board.
    package init(clock: any WallClock = SystemWallClock()) {
        self.clock = clock
        others = PluginMeters(plugin: Self.othersID, clock: clock)
    }

    /// The meters of a plugin, which its instance keeps, so that no step looks them up.
    ///
    /// - Parameter plugin: The manifest's id, or the manifest's file name if it has none that can be read.
    /// - Returns: The same object for the same id.
    package func meters(of plugin: String) -> PluginMeters {
        meters.withLock { meters in
            if let known = meters[plugin] { return known }
            guard meters.count < Self.maximumPlugins else { return others }
            let made = PluginMeters(plugin: plugin, clock: clock)
            meters[plugin] = made
            return made
        }
    }

    /// What is known of a plugin; nil if nothing was ever noted of it.
    package func reading(of plugin: String) -> PluginMeterReading? {
        meters.withLock { $0[plugin] }?.reading
    }

    /// What all meters say, in the order of the ids.
    package var readings: [PluginMeterReading] {
        let all = meters.withLock { meters in
            meters.values.sorted { $0.plugin < $1.plugin } + (meters.count < Self.maximumPlugins ? [] : [others])
        }
        return all.map(\.reading)
    }
}
