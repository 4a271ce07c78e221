import HostCore
import HostPluginABI
import Synchronization

/// How the workers stand, for administrators.
extension WorkerPool {
    /// One for each that there should be, in the order of their places.
    var workers: [PluginState.Worker] {
        let live = state.withLock { $0.workers }
        return (0..<plan.limits.workers).map { place in
            let worker = live[place]?.state
            return PluginState.Worker(
                processID: worker?.process.identifier,
                isReady: worker != nil,
                operations: worker?.operations.load(ordering: .relaxed) ?? 0
            )
        }
    }

    /// Whether operations are given to them.
    var standing: PluginState.Standing {
        let live = state.withLock { $0.workers.count }
        guard live > 0, !breaker.isOpen else { return .failed }
        return live < plan.limits.workers ? .degraded : .serving
    }

    /// Whether deaths in a row keep operations away.
    var breaker: PluginState.Breaker {
        let pace = state.withLock { $0.pace }
        let rest = pace.rest(at: .now)
        return PluginState.Breaker(isOpen: rest != nil, deathsInARow: pace.deathsInARow, nextTry: rest)
    }

    /// What keeps the workers in: names and values.
    var sandbox: [String: String] {
        guard let sealed = state.withLock({ $0.sandbox }) else { return [:] }
        return [
            "landlock": sealed.landlockABI == 0 ? "none" : "ABI \(sealed.landlockABI)",
            "seccomp": "\(sealed.allowedCalls) system calls",
            "memory": "\(sealed.memoryLimitInBytes >> 20) MiB",
        ]
    }
}
