import HostCore
import HostPluginABI
import Logging
import Synchronization

/// What the data sockets of one worker share.
final class WorkerState: Sendable {
    /// What the host owes the worker an answer to; one at a time, for it has one thread.
    let isWaitingForHost = Atomic(false)
    /// Operations that it has.
    let operations = Atomic(0)
    /// Steps that it has ended.
    let steps = Atomic<UInt64>(0)
    let process: WorkerProcess
    let plugin: String
    let services: HostServices
    let meters: PluginMeters
    let logger: Logger
    let limits: PluginLimits
    private let lastNumber = Atomic<UInt64>(0)
    private let fault = Mutex<WorkerFault?>(nil)
    private let hasEnded = Atomic(false)
    private let onEnd: @Sendable (WorkerState) -> Void

    init(
        process: WorkerProcess,
        plugin: String,
        services: HostServices,
        meters: PluginMeters,
        limits: PluginLimits,
        logger: Logger,
        onEnd: @escaping @Sendable (WorkerState) -> Void
    ) {
        self.process = process
        self.plugin = plugin
        self.services = services
        self.meters = meters
        self.limits = limits
        self.logger = logger
        self.onEnd = onEnd
    }

    /// A number for an operation, which no other of the worker has or had.
    func nextNumber() -> UInt64 { lastNumber.add(1, ordering: .relaxed).newValue }

    /// Ends the worker for what it did; only the first reason counts.
    func kill(_ reason: WorkerFault) {
        fault.withLock { fault in if fault == nil { fault = reason } }
        process.kill()
    }

    /// A socket of the worker has ended, and so has the worker, or has to.
    func end() {
        guard !hasEnded.exchange(true, ordering: .sequentiallyConsistent) else { return }
        process.kill()
        onEnd(self)
    }

    /// Whether a socket of it has ended.
    var isOver: Bool { hasEnded.load(ordering: .sequentiallyConsistent) }

    /// Why the host ended it; nil if the host did not.
    var knownFault: WorkerFault? { fault.withLock { $0 } }
}
