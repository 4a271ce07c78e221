import HostCore
import HostPluginABI
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Starting a worker: first a process that has opened the library, then one that serves. All of it blocks.
extension WorkerPool {
    private static let longestRegistration = TimeAmount.seconds(10)

    /// A process that has opened the library and nothing more.
    struct OpenedWorker: Sendable {
        let process: WorkerProcess
        let facts: PluginFacts
    }

    /// Starts all workers of a plugin and makes its instance in each; waits for them.
    static func start(
        _ plan: Plan,
        environment: [String: String],
        logger: Logger
    ) throws(PluginError) -> (WorkerPool, PluginFacts) {
        let first = try open(plan)
        let pool: WorkerPool
        let facts: PluginFacts
        do throws(PluginError) {
            try first.facts.check(against: plan.definition)
            facts = first.facts.adapted(to: plan.definition)
            let setup = try PluginSetup(plan.definition, facts, environment: environment, logger: logger)
            pool = WorkerPool(plan, setup)
        } catch {
            first.process.kill()
            throw error
        }
        do throws(PluginError) {
            try pool.serve(first, place: 0)
            for place in 1..<max(1, plan.limits.workers) { try pool.serve(try open(plan), place: place) }
        } catch {
            pool.shutDown()
            throw error
        }
        return (pool, facts)
    }

    /// Starts a process and has it open the library.
    static func open(_ plan: Plan) throws(PluginError) -> OpenedWorker {
        let process: WorkerProcess
        do {
            process = try WorkerProcess(
                executable: plan.environment.executable,
                dataSockets: plan.environment.loops.count
            )
        } catch {
            throw PluginError(.workerFailed, "\(plan.definition.libraryPath): no worker can be started: \(error)")
        }
        do {
            let facts = try process.load(plan.loadMessage)
            return OpenedWorker(process: process, facts: try PluginFacts(facts, plan.image))
        } catch {
            process.kill()
            throw plan.error(error, location: plan.definition.libraryPath)
        }
    }

    /// Has a worker make the instance and all targets, give up everything else, and take its place.
    func serve(_ opened: OpenedWorker, place: Int) throws(PluginError) {
        let process = opened.process
        do throws(PluginError) {
            try makeInstance(in: process)
            var made = state.withLock { $0.targets }
            for (number, target) in made { try make(target, number, in: process) }
            try seal(process)
            let worker = try connect(process, place: place)
            while let missing = try install(worker, place: place, made: made) {
                for (number, target) in missing {
                    try make(target, number, in: process)
                    made[number] = target
                }
            }
        } catch {
            process.kill()
            throw error
        }
    }

    /// Lets operations come, unless there are targets that the worker does not have yet: those are returned.
    private func install(
        _ worker: Worker,
        place: Int,
        made: [UInt32: WorkerTarget]
    ) throws(PluginError) -> [UInt32: WorkerTarget]? {
        enum Outcome {
            case installed(stale: [UInt32])
            case misses([UInt32: WorkerTarget])
            case isLate
        }
        let outcome: Outcome = state.withLock { state in
            guard !state.isShutDown, !worker.state.isOver else { return .isLate }
            let missing = state.targets.filter { made[$0.key] == nil }
            guard missing.isEmpty else { return .misses(missing) }
            state.workers[place] = worker
            state.pace.noteStart()
            return .installed(stale: made.keys.filter { state.targets[$0] == nil })
        }
        switch outcome {
        case .installed(let stale):
            for number in stale { release(number, in: worker.state) }
            return nil
        case .misses(let missing): return missing
        case .isLate:
            worker.end()
            throw PluginError(.workerFailed, "\(plan.definition.libraryPath): its worker ended before it served.")
        }
    }

    /// Gives each of the worker's sockets to its event loop.
    private func connect(_ process: WorkerProcess, place: Int) throws(PluginError) -> Worker {
        let worker = WorkerState(
            process: process,
            plugin: plan.definition.id,
            services: setup.services,
            meters: plan.meters,
            limits: plan.limits,
            logger: setup.logger
        ) { [weak self] in self?.workerEnded($0, place: place) }
        let loops = plan.environment.loops
        let channels = zip(process.takeDataSockets(), loops).map {
            WorkerChannel(worker, socket: $0, loop: $1, channels: loops.count)
        }
        let registered = channels.map(Self.register)
        let loop = plan.environment.group.any()
        let all = loop.makePromise(of: Void.self)
        EventLoopFuture.andAllSucceed(registered, on: loop).cascade(to: all)
        let deadline = loop.scheduleTask(in: Self.longestRegistration) {
            all.fail(ChannelError.connectTimeout(Self.longestRegistration))
        }
        do {
            try all.futureResult.wait()
        } catch {
            throw PluginError(.workerFailed, "\(plan.definition.libraryPath): its worker's sockets fail: \(error).")
        }
        deadline.cancel()
        return Worker(worker, channels: channels)
    }

    private static func register(_ handler: WorkerChannel) -> EventLoopFuture<Void> {
        ClientBootstrap(group: handler.loop)
            // One packet a read, none cut: a packet is never longer than this.
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: WorkerProtocol.maximumPacketBytes)
            )
            .channelOption(.maxMessagesPerRead, value: 16)
            // Writable means that the packet before is in the socket.
            .channelOption(.writeBufferWaterMark, value: .init(low: 1, high: 1))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
            }
            .withConnectedSocket(handler.socket)
            .map { _ in }
    }
}
