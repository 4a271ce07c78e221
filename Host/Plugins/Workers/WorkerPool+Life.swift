import HostCore
import HostPluginABI
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Workers die and are started again, on threads that may block.
extension WorkerPool {
    /// A worker has ended; called once for each, on an event loop.
    func workerEnded(_ worker: WorkerState, place: Int) {
        let pause: Duration? = state.withLock { state in
            guard let known = state.workers[place], known.state === worker else { return nil }
            let steps = state.steps
            state.workers[place] = nil
            state.formerSteps += worker.steps.load(ordering: .relaxed)
            guard !state.isShutDown else { return nil }
            let sinceLastDeath = steps - state.stepsAtLastDeath
            state.stepsAtLastDeath = steps
            return state.pace.noteDeath(life: known.startedAt.duration(to: .now), steps: sinceLastDeath, at: .now)
        }
        WorkerThreads.starting.submit { outcome in
            guard outcome == .active else { return }
            let death = WorkerDeath(of: worker.process, fault: worker.knownFault)
            guard let pause else { return }
            self.note(death)
            self.restart(place, after: pause)
        }
    }

    private func note(_ death: WorkerDeath) {
        plan.meters.noteCrash(death.cause, death.text)
        setup.logger.error(
            "a plugin's worker ended",
            metadata: [
                "worker.cause": "\(death.cause.rawValue)", "worker.end": "\(death.text)",
                "worker.printed": "\(setup.secrets.masked(death.printed))",
            ]
        )
    }

    private func restart(_ place: Int, after pause: Duration) {
        let loop = plan.environment.group.any()
        _ = loop.scheduleTask(in: TimeAmount(pause)) { [weak self] in
            WorkerThreads.starting.submit { [weak self] outcome in
                guard outcome == .active else { return }
                self?.restart(place)
            }
        }
    }

    private func restart(_ place: Int) {
        guard !state.withLock({ $0.isShutDown }) else { return }
        do throws(PluginError) {
            try serve(try Self.open(plan), place: place)
            plan.meters.noteRestart()
            setup.logger.info("a plugin's worker was started again")
        } catch {
            note(WorkerDeath(error))
            let pause = state.withLock { $0.pace.noteDeath(life: .zero, steps: 0, at: .now) }
            restart(place, after: pause)
        }
    }
}
