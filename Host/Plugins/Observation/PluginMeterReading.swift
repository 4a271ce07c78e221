import HostCore

/// Why a plugin was not loaded.
package enum PluginRefusalReason: String, CaseIterable, Sendable {
    /// Its manifest is no manifest, or says what cannot be.
    case manifest
    /// The library is missing, foreign, writable by others, or not what its manifest says.
    case library
    /// No signature or hash vouches for it.
    case trust
    /// It speaks another version of the ABI, or not the ABI.
    case abi
    /// It does not accept its configuration or a deployment's parameters.
    case configuration
    /// Its worker died or fell silent while it was being started.
    case worker
    /// As many versions of it are in the process as there may be.
    case generations
}

/// What a plugin's worker died of.
package enum PluginCrashCause: String, CaseIterable, Sendable {
    /// A signal that its own code brought about: a trap, a null pointer, an abort.
    case signal
    /// The sandbox ended it for a system call that it may not make.
    case sandbox
    /// It ended itself.
    case exit
    /// The host ended it: a step took longer than its limit.
    case stepLimit = "step_limit"
    /// The host ended it: what it sent is no message of an honest worker.
    case garbage
    /// The host ended it: it did not answer a call in time.
    case silence
    /// Somebody else ended it: the system for want of memory, or an operator.
    case killed
}

/// A copy of a plugin's meters.
package struct PluginMeterReading: Sendable {
    /// The last time that the plugin was not loaded.
    package struct Refusal: Sendable {
        package let reason: PluginRefusalReason
        package let text: String
        package let at: UnixTime
    }

    /// The last death of a worker.
    package struct Crash: Sendable {
        package let cause: PluginCrashCause
        package let text: String
        package let at: UnixTime
    }

    package let plugin: String
    package let loads: UInt64
    /// The number of the version that takes requests; 0 if none was ever loaded.
    package let generation: UInt64
    package let restarts: UInt64
    /// Operations that were begun, and those among them that ended with `plugin_failed`.
    package let operations, failures: UInt64
    /// A number for every reason and every cause.
    package let refusals: [PluginRefusalReason: UInt64]
    package let crashes: [PluginCrashCause: UInt64]
    package let steps: StepTimeReading
    package let lastLoad: UnixTime?
    package let lastRefusal: Refusal?
    package let lastCrash: Crash?
}
