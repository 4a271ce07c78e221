import HostCore
import Synchronization

/// What has happened to a plugin since the gateway was started, over all its generations.
///
/// Noting an operation or a step costs a few additions to atomics and no lock; what is rare is kept with its text.
package final class PluginMeters: Sendable {
    /// Counters that have no reason.
    private enum Counter: Int, CaseIterable {
        case loads, restarts, operations, failures, generation
    }

    /// What is kept of the rare events beside their numbers.
    private struct Latest {
        var refusal: PluginMeterReading.Refusal?
        var crash: PluginMeterReading.Crash?
        var load: UnixTime?
    }

    /// The longest text that is kept.
    static let maximumTextBytes = 1024

    /// The plugin's id.
    package let plugin: String
    private let clock: any WallClock
    private let counters = AtomicCounters(Counter.allCases.count)
    private let refusals = AtomicCounters(PluginRefusalReason.allCases.count)
    private let crashes = AtomicCounters(PluginCrashCause.allCases.count)
    private let steps = StepTimes()
    private let latest = Mutex(Latest())

    /// Makes meters that stand at zero.
    ///
    /// - Parameters:
    ///   - plugin: The plugin's id.
    ///   - clock: Says when a rare event happened.
    package init(plugin: String, clock: any WallClock = SystemWallClock()) {
        self.plugin = plugin.truncated(toBytes: Self.maximumTextBytes)
        self.clock = clock
    }

    /// The plugin has been loaded: at the start, or changed while the gateway runs.
    ///
    /// - Parameter generation: The number of this version of the plugin, from 1.
    package func noteLoad(generation: UInt64) {
        counters.add(to: Counter.loads.rawValue)
        counters.set(generation, at: Counter.generation.rawValue)
        latest.withLock { $0.load = clock.now() }
    }

    /// The plugin was not loaded, or not in its new form.
    ///
    /// - Parameters:
    ///   - reason: What was refused.
    ///   - text: One line without secrets.
    package func noteRefusal(_ reason: PluginRefusalReason, _ text: String) {
        refusals.add(to: reason.place)
        let text = text.truncated(toBytes: Self.maximumTextBytes)
        latest.withLock { $0.refusal = .init(reason: reason, text: text, at: clock.now()) }
    }

    /// A worker of the plugin has died, or was killed for what it did.
    ///
    /// - Parameters:
    ///   - cause: The kind of death.
    ///   - text: One line without secrets: the signal, the limit, the message that was no message.
    package func noteCrash(_ cause: PluginCrashCause, _ text: String) {
        crashes.add(to: cause.place)
        let text = text.truncated(toBytes: Self.maximumTextBytes)
        latest.withLock { $0.crash = .init(cause: cause, text: text, at: clock.now()) }
    }

    /// A worker has been started again after a death.
    package func noteRestart() { counters.add(to: Counter.restarts.rawValue) }

    /// An operation has been given to the plugin.
    package func noteOperation() { counters.add(to: Counter.operations.rawValue) }

    /// An operation has ended because of the plugin: with `plugin_failed`.
    package func noteFailure() { counters.add(to: Counter.failures.rawValue) }

    /// The plugin has done a step of an operation.
    package func noteStep(nanoseconds: UInt64) { steps.note(nanoseconds: nanoseconds) }

    /// What the meters say now.
    package var reading: PluginMeterReading {
        let numbers = counters.values
        let (refusals, crashes) = (refusals.values, crashes.values)
        let latest = latest.withLock { $0 }
        return PluginMeterReading(
            plugin: plugin,
            loads: numbers[Counter.loads.rawValue],
            generation: numbers[Counter.generation.rawValue],
            restarts: numbers[Counter.restarts.rawValue],
            operations: numbers[Counter.operations.rawValue],
            failures: numbers[Counter.failures.rawValue],
            refusals: Dictionary(uniqueKeysWithValues: zip(PluginRefusalReason.allCases, refusals)),
            crashes: Dictionary(uniqueKeysWithValues: zip(PluginCrashCause.allCases, crashes)),
            steps: steps.reading,
            lastLoad: latest.load,
            lastRefusal: latest.refusal,
            lastCrash: latest.crash
        )
    }
}

extension RawRepresentable where Self: CaseIterable & Equatable, AllCases == [Self] {
    /// Which of all cases it is.
    fileprivate var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
