import HostCore
import HostPluginABI
import Logging
import NIOCore
import Synchronization

/// The workers of one instance of a plugin: started, watched, and started again when they die.
///
/// An operation is given to the worker that has the fewest and stays with it. When a worker dies its operations fail and
/// the others go on. Nothing is passed by: while no worker can be had, operations fail with `plugin_failed`.
final class WorkerPool: Sendable {
    /// What every worker of an instance is made from.
    struct Plan: Sendable {
        let definition: PluginDefinition
        let image: PluginImage
        let limits: PluginLimits
        let environment: WorkerEnvironment
        let meters: PluginMeters
    }

    struct State {
        /// By their place among all that there should be.
        var workers: [Int: Worker] = [:]
        var targets: [UInt32: WorkerTarget] = [:]
        var lastTarget: UInt32 = 0
        var pace = RestartPace()
        /// Steps of workers that are gone, and of all at the last death.
        var formerSteps: UInt64 = 0
        var stepsAtLastDeath: UInt64 = 0
        var isShutDown = false
        /// What is in force in the worker that was started last.
        var sandbox: SealedMessage?

        var steps: UInt64 { workers.values.reduce(formerSteps) { $0 + $1.state.steps.load(ordering: .relaxed) } }
    }

    let plan: Plan
    let setup: PluginSetup
    let state = Mutex(State())
    /// The manifest's functions; nil if it has none.
    let functions: FunctionWorker?

    init(_ plan: Plan, _ setup: PluginSetup) {
        self.plan = plan
        self.setup = setup
        functions = plan.image.functions.map { functions in
            FunctionWorker(
                functions.plan,
                executable: plan.environment.executable,
                memoryLimitInBytes: UInt64(plan.limits.memoryInBytes)
            )
        }
    }

    // MARK: Operations

    /// Gives an operation to the worker that has the fewest.
    ///
    /// - Parameters:
    ///   - kind: What the operation is.
    ///   - target: For which target.
    ///   - loop: Where it runs.
    /// - Returns: The operation, of which the worker hears with the first step; or why there is none.
    func makeOperation(
        _ kind: OperationKind,
        target: UInt32,
        on loop: any EventLoop
    ) -> Result<WorkerOperation, OperationFailure> {
        let limit = plan.limits.operations
        let chosen: Result<WorkerChannel, OperationFailure> = state.withLock { state in
            guard !state.isShutDown else { return .failure(unavailable("it has been taken out of use", for: nil)) }
            if let rest = state.pace.rest(at: .now) {
                let deaths = state.pace.deathsInARow
                return .failure(unavailable("its workers have died \(deaths) times in a row", for: rest))
            }
            // One that is over may still be here: its end is told on several loops at once.
            let ready = state.workers.values.filter { !$0.state.isOver }.compactMap { worker in
                worker.channel(on: loop).map { (channel: $0, load: worker.state.operations.load(ordering: .relaxed)) }
            }
            guard let least = ready.min(by: { $0.load < $1.load }) else {
                return .failure(unavailable("no worker of it is alive; one is being started", for: .seconds(1)))
            }
            guard ready.reduce(0, { $0 + $1.load }) < limit else { return .failure(busy()) }
            least.channel.state.operations.add(1, ordering: .relaxed)
            return .success(least.channel)
        }
        return chosen.map { $0.begin(kind, target: target) }
    }

    private func unavailable(_ why: String, for time: Duration?) -> OperationFailure {
        OperationFailure(
            .pluginFailed,
            "The plugin \(plan.definition.id) failed: \(why). Try again later.",
            retryAfter: time.map { max($0, .seconds(1)) },
            isRetryable: true,
            mayFallBack: true
        )
    }

    private func busy() -> OperationFailure {
        OperationFailure(
            .rateLimit,
            "\(plan.limits.operations) operations run in the plugin \(plan.definition.id), which is its "
                + "limits.operations. Try again in a moment.",
            retryAfter: .seconds(1),
            isRetryable: true,
            mayFallBack: true
        )
    }

    // MARK: The end

    /// Ends all workers; what they still do fails.
    func shutDown() {
        let workers = state.withLock { state in
            state.isShutDown = true
            defer { state.workers = [:] }
            return state.workers
        }
        for worker in workers.values { worker.end() }
    }
}

/// A target as it is made in each worker.
struct WorkerTarget: Sendable {
    /// JSON of the bound parameters.
    let parameters: [UInt8]
    /// Where they stand, for messages.
    let location: String
}
