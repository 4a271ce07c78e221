import HostCore
import NIOPosix
import Synchronization

/// Targets are made in every worker: in those that live, and in those that are started later.
extension WorkerPool {
    /// Makes a target from the JSON of a deployment's bound parameters; waits for the workers.
    func makeTarget(_ parameters: [UInt8], location: String) throws(PluginError) -> UInt32 {
        let target = WorkerTarget(parameters: parameters, location: location)
        let number = state.withLock { state in
            state.lastTarget += 1
            return state.lastTarget
        }
        var made: [WorkerState] = []
        while true {
            let (waiting, areThereAny) = state.withLock { state in
                let live = state.workers.values.map(\.state)
                let waiting = live.filter { worker in !made.contains { $0 === worker } }
                // From now on whoever starts a worker makes the target in it.
                if waiting.isEmpty, !live.isEmpty { state.targets[number] = target }
                return (waiting, !live.isEmpty)
            }
            guard areThereAny else {
                throw PluginError(
                    .workerFailed,
                    "\(location): the plugin \(plan.definition.id) cannot check it, for no worker of it is alive."
                )
            }
            guard !waiting.isEmpty else { return number }
            for worker in waiting {
                do throws(PluginError) {
                    try make(target, number, in: worker.process)
                    made.append(worker)
                } catch {
                    for worker in made { release(number, in: worker) }
                    throw error
                }
            }
        }
    }

    /// Frees a target that no operation uses; returns at once.
    func free(target number: UInt32) {
        let workers = state.withLock { state in
            state.targets[number] = nil
            return state.isShutDown ? [] : state.workers.values.map(\.state)
        }
        guard !workers.isEmpty else { return }
        WorkerThreads.starting.submit { outcome in
            guard outcome == .active else { return }
            for worker in workers { self.release(number, in: worker) }
        }
    }
}
