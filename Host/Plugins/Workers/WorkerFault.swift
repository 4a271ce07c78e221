/// Why the host ended a worker.
struct WorkerFault: Error, Sendable {
    let cause: PluginCrashCause
    /// In a few words, as they follow "its worker"; without a byte of what the worker sent.
    let text: String

    /// What the worker sent is no message of an honest one.
    static func garbage(_ what: String) -> WorkerFault {
        WorkerFault(cause: .garbage, text: "sent what no worker sends: \(what)")
    }

    /// A step did not end.
    static func stepLimit(_ limit: Duration, _ what: String) -> WorkerFault {
        let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
        return WorkerFault(cause: .stepLimit, text: "\(what) longer than \(milliseconds) ms in one step")
    }
}
