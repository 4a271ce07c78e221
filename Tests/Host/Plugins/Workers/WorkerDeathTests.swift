import Glibc
import HostCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HostPlugins

/// Workers that die, and what becomes of their operations.
@Suite(.timeLimit(.minutes(3)))
struct WorkerDeathTests {
    struct Way: Sendable, CustomTestStringConvertible {
        let input: String
        let cause: PluginCrashCause
        var limit: Duration = .seconds(5)

        var testDescription: String { input }
    }

    private static let ways = [
        Way(input: "null", cause: .signal),
        Way(input: "trap", cause: .signal),
        Way(input: "exit", cause: .exit),
        Way(input: "socket", cause: .sandbox),
        Way(input: "garbage", cause: .garbage),
        Way(input: "answer", cause: .garbage),
        Way(input: "calls", cause: .garbage),
        Way(input: "loop", cause: .stepLimit, limit: .milliseconds(100)),
        Way(input: "sleep", cause: .stepLimit, limit: .milliseconds(30)),
    ]

    @Test(arguments: ways)
    func aDeathFailsItsOwnOperationsAndTheOtherWorkerGoesOn(way: Way) async throws {
        try await withWorkers(PluginLimits(stepTime: way.limit, workers: 2)) { bench in
            let drivers = Mutex<[NIOLoopBound<OperationDriver>]>([])
            let others = (0..<8).map { _ in
                bench.begin(ByteBuffer(string: "stall"), log: EventLog()) { driver, _ in
                    let kept = NIOLoopBound(driver, eventLoop: driver.loop)
                    drivers.withLock { $0.append(kept) }
                }
            }
            #expect(await eventually { bench.meters.reading.steps.count == 8 })

            let outcome = try await bench.run(way.input)

            let failure = try #require(outcome.failure)
            #expect(failure.reason == .pluginFailed)
            #expect(!failure.isRetryable && !failure.mayFallBack)
            #expect(bench.log.all.last == "failure pluginFailed")
            #expect(await eventually { bench.meters.reading.failures == 5 })
            // Half of the others were with it, and may be tried again; the rest go on until they are cancelled.
            for driver in drivers.withLock({ $0 }) { driver.eventLoop.execute { driver.value.cancel() } }
            var reasons: [OperationFailure.Reason] = []
            for other in others {
                let failure = try #require(try await other.get().failure)
                reasons.append(failure.reason)
                #expect(failure.isRetryable == (failure.reason == .pluginFailed))
            }
            #expect(reasons.filter { $0 == .pluginFailed }.count == 4)
            #expect(reasons.filter { $0 == .cancelled }.count == 4)
            #expect(await eventually { bench.meters.reading.crashes[way.cause] == 1 })
            #expect(await eventually { bench.meters.reading.restarts == 1 })
            let end = try await bench.run("echo on")
            #expect(end.text == "{}")
            #expect(bench.instance.workers?.workers.map(\.isReady) == [true, true])
            #expect(await eventually { bench.instance.workers?.workers.map(\.operations) == [0, 0] })
        }
    }

    @Test
    func aDeathBetweenStepsIsNoticedAtOnceOnEveryLoop() async throws {
        try await withWorkers(loops: 3) { bench in
            let process = try #require(bench.instance.workers?.workers.first?.processID)
            let operations = Array(bench.group.makeIterator()).map { loop in
                bench.begin(ByteBuffer(string: "stall"), loop: loop)
            }
            #expect(await eventually { bench.meters.reading.steps.count == 3 })

            kill(process, SIGKILL)

            for operation in operations {
                let failure = try #require(try await operation.get().failure)
                #expect(failure.reason == .pluginFailed)
                #expect(failure.isRetryable && failure.mayFallBack)
            }
            #expect(await eventually { bench.meters.reading.crashes[.killed] == 1 })
            let end = try await bench.runWhenAlive("echo")
            #expect(end.text == "{}")
        }
    }

    @Test
    func anAnswerBeforeItsTurnIsGarbage() async throws {
        try await withWorkers(loops: 1) { bench in
            // Two steps are under way: the first answers the second.
            let first = bench.begin(ByteBuffer(string: "early 2"))
            let second = bench.begin(ByteBuffer(string: "stall"))

            let failures = [try await first.get().failure?.reason, try await second.get().failure?.reason]

            #expect(failures == [.pluginFailed, .pluginFailed])
            #expect(await eventually { bench.meters.reading.crashes[.garbage] == 1 })
        }
    }

    @Test
    func lastWordsThatWaitTogetherAreReadOneAfterTheOther() async throws {
        try await withWorkers(loops: 1) { bench in
            for _ in 0..<3 {
                // A question, a line for the log and the end are there before the host reads the first of them.
                let lost = bench.begin(ByteBuffer(string: "last"), log: EventLog()) { driver, _ in
                    driver.loop.execute { usleep(200_000) }
                }
                let (failure, next) = (try await lost.get().failure, try await bench.runWhenAlive("echo hello"))
                #expect(failure?.reason == .pluginFailed)
                #expect(next.text == "{}")
            }
            #expect(bench.lines.count(of: "last words") == 3)
        }
    }

    @Test
    func whatTheWorkerAnsweredBeforeItsEndIsHeard() async throws {
        try await withWorkers(loops: 1) { bench in
            _ = try await bench.run("mortal")
            // The answer comes, freeing what was before is the worker's end, and a step that it never read is left.
            let (answered, lost) = try await bench.group.next().submit {
                let answered = bench.begin(ByteBuffer(string: "echo hello"))
                let lost = bench.begin(ByteBuffer(string: "echo again"), log: EventLog()) { _, _ in usleep(300_000) }
                return (answered, lost)
            }.get()
            let (first, second) = (try await answered.get(), try await lost.get())
            #expect(first.text == "{}")
            #expect(second.failure?.reason == .pluginFailed)
        }
    }

    @Test
    func whoFollowsAnOperationThatCannotBeFreedIsNotBlamed() async throws {
        try await withWorkers(loops: 1) { bench in
            let (mortal, next) = (try await bench.run("mortal"), try await bench.run("echo hello"))
            #expect((mortal.text, next.text) == ("{}", "{}"))
            #expect(await eventually { bench.meters.reading.crashes[.signal] == 1 })
            let last = try await bench.runWhenAlive("echo again")
            #expect(last.text == "{}")
        }
    }

    @Test
    func whatTheWorkerNeverGotIsTriedAgain() async throws {
        try await withWorkers(loops: 1) { bench in
            let process = try #require(bench.instance.workers?.workers.first?.processID)
            // The worker is gone before the step is sent, and the host hears of it afterwards.
            let failure = try await bench.group.next().flatSubmit {
                kill(process, SIGKILL)
                usleep(300_000)
                return bench.begin(ByteBuffer(string: "echo hello"), loop: bench.group.next())
            }.get().failure
            #expect(failure?.reason == .pluginFailed)
            #expect(failure?.isRetryable == true)
        }
    }

    @Test
    func whatWasRememberedBeforeIsWrittenDown() async throws {
        try await withWorkers { bench in
            _ = try await bench.run("remember")

            #expect(bench.log.all == ["remember id-1", "failure pluginFailed"])
        }
    }

    @Test
    func anOperationThatAsksForTheStepsAnswerAfterItsEndIsFreedByTheDeath() async throws {
        try await withWorkers(PluginLimits(stepTime: .milliseconds(300), workers: 1), timeout: .milliseconds(20)) {
            bench in
            let outcome = try await bench.run("loop")
            #expect(outcome.failure?.reason == .upstreamTimeout)
            #expect(await eventually { bench.meters.reading.crashes[.stepLimit] == 1 })
        }
    }

    @Test
    func whileNoWorkerLivesRequestsFailAndAreToldWhenToComeAgain() async throws {
        try await withWorkers { bench in
            for _ in 1..<RestartPace.deathsToOpen { _ = try await bench.runWhenAlive("trap") }
            var refusal: OperationFailure?
            // Each death after the fourth leaves more time in which there is no worker.
            for _ in 0..<6 where refusal == nil {
                _ = try await bench.runWhenAlive("trap")
                refusal = try await bench.run("echo").failure
            }

            let failure = try #require(refusal)
            #expect(failure.reason == .pluginFailed)
            #expect(try #require(failure.retryAfter) >= .seconds(1))
            #expect(failure.isRetryable && failure.mayFallBack)
            #expect(bench.instance.workers?.breaker.deathsInARow ?? 0 >= RestartPace.deathsToOpen)
            let end = try await bench.runWhenAlive("echo")
            #expect(end.text == "{}")
            #expect(bench.instance.workers?.breaker.isOpen == false)
        }
    }

    @Test
    func targetsAreMadeAgainInAWorkerThatIsStartedAgain() async throws {
        try await withWorkers { bench in
            var second: PluginTarget? = try PluginBench.makeTarget("d2", bench.instance, [:], .seconds(5))
            let end1 = try await bench.run("targets")
            #expect(end1.text?.hasPrefix("2 ") == true)
            _ = try await bench.run("trap")

            let after = try await bench.runWhenAlive("targets").text

            #expect(after?.hasPrefix("2 ") == true)
            #expect(second?.deployment.id == DeploymentID("d2"))
            second = nil
            let deadline = ContinuousClock.now.advanced(by: .seconds(20))
            while try await bench.run("targets").text?.hasPrefix("1 ") != true, ContinuousClock.now < deadline {}
            let end2 = try await bench.run("targets")
            #expect(end2.text?.hasPrefix("1 ") == true)
        }
    }

    @Test
    func aTargetThatIsRefusedSaysWhyAndHurtsNobody() async throws {
        try await withWorkers(PluginLimits(stepTime: .seconds(5), workers: 2)) { bench in
            let refusal = #expect(throws: PluginError.self) {
                _ = try PluginBench.makeTarget("d2", bench.instance, ["a": .string("refuse-target")], .seconds(5))
            }
            #expect(refusal?.code == .configurationRefused)
            #expect(refusal?.message == "config.yaml:1: key: this target is not wanted")
            let outcome = try await bench.run("targets")
            #expect(outcome.text?.hasPrefix("1 ") == true)
        }
    }

    @Test
    func aTargetThatKillsItsWorkerIsRefusedAndTheOthersLiveOn() async throws {
        try await withWorkers { bench in
            let refusal = #expect(throws: PluginError.self) {
                _ = try PluginBench.makeTarget("d2", bench.instance, ["a": .string("crash-target")], .seconds(5))
            }
            #expect(refusal?.code == .workerFailed)
            let outcome = try await bench.runWhenAlive("targets")
            #expect(outcome.text?.hasPrefix("1 ") == true)
        }
    }

    @Test(arguments: [
        ("refuse-instance", PluginError.Code.configurationRefused, "this configuration is not wanted"),
        ("crash-instance", .workerFailed, "SIG"),
    ])
    func anInstanceThatCannotBeMadeIsRefused(word: String, code: PluginError.Code, text: String) async throws {
        let refusal = await #expect(throws: PluginError.self) {
            try await withWorkers(configuration: ["a": .string(word)]) { _ in }
        }
        #expect(refusal?.code == code)
        #expect(refusal?.message.contains(text) == true)
    }

    @Test
    func workersEndWithTheirInstance() async throws {
        var processes: [Int32] = []
        try await withWorkers(PluginLimits(workers: 3)) { bench in
            processes = bench.instance.workers?.workers.compactMap(\.processID) ?? []
            let outcome = try await bench.run("echo")
            #expect(outcome.text == "{}")
        }
        let ended = processes
        #expect(ended.count == 3)
        #expect(await eventually { ended.allSatisfy { kill($0, 0) != 0 } })
    }
}
