import CGantryPlugin
import Dispatch
import HostCore
import NIOCore
import NIOPosix
import Testing

@testable import HostPlugins

/// Asks again and again, without sleeping, until something is so.
func eventually(_ condition: @Sendable () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now.advanced(by: .seconds(20))
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        await Task.yield()
    }
    return true
}

@Suite(.timeLimit(.minutes(1)))
struct HeavyStepTests {
    private static let large = String(repeating: "x", count: 300 * 1024)

    private static var isOnEventLoop: Bool { MultiThreadedEventLoopGroup.currentEventLoop != nil }

    /// A plugin whose heavy START waits until the test lets it go on.
    private func stuck(
        _ entered: DispatchSemaphore,
        _ mayGoOn: DispatchSemaphore,
        log: EventLog,
        then emit: @escaping @Sendable (ScriptedStep) -> Void
    ) throws -> ScriptedPlugin {
        try ScriptedPlugin { step in
            log.add(step.event.kind == GANTRY_EV_START ? "start" : step.event.line)
            guard step.event.kind == GANTRY_EV_START else { return 0 }
            entered.signal()
            mayGoOn.wait()
            emit(step)
            return 0
        }
    }

    /// Waits for a semaphore on a thread that may block.
    private func wait(for semaphore: DispatchSemaphore) async throws {
        try await NIOThreadPool.singleton.runIfActive { semaphore.wait() }
    }

    @Test
    func stepsWithMuchToReadRunOffTheLoopAndInOrder() async throws {
        let script: AnswerServer.Script = { _, _, channel in
            channel.writeAndFlush(AnswerServer.answer(Self.large), promise: nil)
        }
        try await withServer(script) { port in
            let log = EventLog()
            let plugin = try ScriptedPlugin { step in
                log.add("\(step.event.line.prefix(8)) \(Self.isOnEventLoop ? "loop" : "pool")")
                switch step.event.kind {
                case GANTRY_EV_START: step.http("http://127.0.0.1:\(port)/")
                case GANTRY_EV_END: step.result()
                default: step.output("\(step.event.kind)")
                }
                return 0
            }
            try await withBench(plugin) { bench in
                _ = try await bench.run(input: Self.large)

                #expect(log.all == ["start pool", "head 200 loop", "data xxx pool", "end loop"])
                #expect(bench.log.all == ["output 2", "output 3", "result {}"])
            }
            #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
        }
    }

    @Test
    func aBlockingPluginNeverRunsOnTheLoop() async throws {
        let plugin = try ScriptedPlugin(flags: GANTRY_PF_BLOCKING) { step in
            #expect(!Self.isOnEventLoop)
            return step.event.kind == GANTRY_EV_START ? step.emit(GANTRY_CMD_WAIT, value: 1) : step.result()
        }
        try await withBench(plugin) { bench in
            _ = try await bench.run().get()
        }
        #expect(plugin.counts.freed == 1)
    }

    @Test
    func stepsOfAnInstanceThatIsNotParallelNeverOverlap() async throws {
        let inside = EventLog()
        let plugin = try ScriptedPlugin { step in
            inside.add("in")
            if step.event.kind == GANTRY_EV_START { step.result() }
            inside.add("out")
            return 0
        }
        try await withBench(plugin) { bench in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 { group.addTask { _ = try await bench.run(input: Self.large).get() } }
                try await group.waitForAll()
            }
        }
        #expect(inside.all == (0..<50).flatMap { _ in ["in", "out"] })
        #expect(plugin.counts.freed == 50)
    }

    @Test
    func theDeadlineDoesNotWaitForAStepAndTheOperationIsFreedAfterIt() async throws {
        let (entered, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let plugin = try stuck(entered, mayGoOn, log: EventLog()) { step in
            step.remember("late")
            step.output("late")
            step.result("late")
        }
        try await withBench(plugin, timeout: .milliseconds(50)) { bench in
            let outcome = try await bench.run(input: Self.large)
            #expect(throws: OperationFailure.self) { try outcome.get() }
            #expect(plugin.counts.freed == 0)
            mayGoOn.signal()

            #expect(await eventually { plugin.counts.freed == 1 })
            #expect(bench.log.all == ["failure upstreamTimeout", "remember late"])
        }
        #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
    }

    @Test
    func cancellationDuringAStepKeepsTheBooksAndBeginsNothing() async throws {
        let (entered, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let log = EventLog()
        let plugin = try stuck(entered, mayGoOn, log: log) { step in
            step.remember("a")
            step.output("x")
            step.http("http://127.0.0.1:1/")
            step.emit(GANTRY_CMD_TOKEN, text: "s")
        }
        try await withBench(plugin) { bench in
            let started = try await bench.loop.submit {
                let made = bench.makeDriver(
                    OperationRequest(.chat, requestID: "r", input: ByteBuffer(string: Self.large))
                )
                made.driver.start()
                return (NIOLoopBound(made.driver, eventLoop: bench.loop), made.client.ended.futureResult)
            }.get()
            try await wait(for: entered)
            try await bench.loop.submit { started.0.value.cancel() }.get()
            #expect(bench.log.all == [])
            mayGoOn.signal()
            _ = try await started.1.get()

            #expect(log.all == ["start", "cancel"])
            #expect(bench.log.all == ["remember a", "failure cancelled"])
        }
        #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
    }

    @Test
    func aPoolThatIsGoneFailsTheOperation() async throws {
        let plugin = try ScriptedPlugin { $0.result() }
        try await withBench(plugin) { bench in
            try await bench.pool.shutdownGracefully()
            _ = try await bench.run(input: Self.large)

            #expect(bench.log.all == ["failure internalError"])
        }
        #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
    }
}
