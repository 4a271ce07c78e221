import CGantryPlugin
import Glibc
import HostCore
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import HostPlugins

struct DeploymentGateTests {
    private static let busy = CooldownRules(allowedFailures: 0, cooldown: .seconds(5))

    /// Emits nothing at its start, so that it runs until a test ends it.
    private static func waiting(milliseconds: UInt64 = 1000) throws -> ScriptedPlugin {
        try ScriptedPlugin { step in
            switch step.event.kind {
            case GANTRY_EV_TIMER: return step.result()
            case GANTRY_EV_CANCEL: return 0
            default: return step.emit(GANTRY_CMD_WAIT, value: milliseconds)
            }
        }
    }

    private static func gate(
        running: Int?,
        waiting: Int = 2,
        longestWait: Duration = .seconds(3),
        cooldown: CooldownRules = .none
    ) -> DeploymentGate {
        DeploymentGate(
            limits: GateLimits(running: running, waiting: waiting, longestWait: longestWait),
            cooldown: cooldown
        )
    }

    @Test
    func operationsBeyondTheLimitBeginInTheirOrder() throws {
        let gate = Self.gate(running: 1)
        try withEmbeddedBench(try Self.waiting(), gate: gate) { bench, loop in
            bench.start(input: "1")
            bench.start(input: "2")
            bench.start(input: "3")
            #expect(gate.standing == DeploymentStanding(outstanding: 3, isFull: true))

            loop.advanceTime(by: .seconds(1))
            #expect(bench.log.all == ["result {}"])
            #expect(gate.standing.outstanding == 2)
            loop.advanceTime(by: .seconds(1))
            #expect(bench.log.all.count == 2)
            loop.advanceTime(by: .seconds(1))

            #expect(bench.log.all == ["result {}", "result {}", "result {}"])
            #expect(gate.standing == DeploymentStanding())
        }
    }

    @Test
    func whoeverWaitsBeginsWhenTheLimitIsRaised() throws {
        let gate = Self.gate(running: 1, waiting: 10)
        try withEmbeddedBench(try Self.waiting(), gate: gate) { bench, loop in
            for number in 0..<5 { bench.start(input: "\(number)") }
            gate.follow(GateLimits(running: 3), .none, forgets: false)
            loop.run()
            loop.advanceTime(by: .seconds(1))

            #expect(bench.log.all.count == 3)
            gate.follow(GateLimits(running: nil), .none, forgets: false)
            loop.advanceTime(by: .seconds(1))
            #expect(bench.log.all.count == 5)
            #expect(gate.standing == DeploymentStanding())
        }
    }

    @Test
    func whoeverRunsGoesOnWhenTheLimitIsLoweredAndTheOthersWait() throws {
        let gate = Self.gate(running: 3, waiting: 10)
        try withEmbeddedBench(try Self.waiting(), gate: gate) { bench, loop in
            for number in 0..<5 { bench.start(input: "\(number)") }
            gate.follow(GateLimits(running: 1), .none, forgets: false)
            loop.advanceTime(by: .seconds(1))
            #expect(bench.log.all.count == 3)
            #expect(gate.standing == DeploymentStanding(outstanding: 2, isFull: true))
            loop.advanceTime(by: .seconds(1))
            #expect(bench.log.all.count == 4)
            loop.advanceTime(by: .seconds(1))

            #expect(bench.log.all.count == 5)
            #expect(gate.standing == DeploymentStanding())
        }
    }

    @Test
    func anotherDeploymentHasNotFailedYet() {
        let gate = Self.gate(running: nil, cooldown: Self.busy)
        let loop = EmbeddedEventLoop()
        guard case .admitted(let ticket) = gate.enter(on: loop, turn: { { _ in } }) else { return #expect(Bool(false)) }
        guard case .admitted(let late) = gate.enter(on: loop, turn: { { _ in } }) else { return #expect(Bool(false)) }
        gate.leave(ticket, .failed)
        #expect(gate.standing.rest != nil)

        gate.follow(GateLimits(running: nil), Self.busy, forgets: false)
        #expect(gate.standing.rest != nil)
        gate.follow(GateLimits(running: nil), Self.busy, forgets: true)
        #expect(gate.standing.rest == nil)
        gate.leave(late, .failed)
        #expect(gate.standing.rest == nil, "what began before says nothing")
    }

    @Test
    func whatMayNotWaitIsTurnedAwayWithoutATrace() throws {
        let gate = Self.gate(running: 1)
        let plugin = try Self.waiting()
        try withEmbeddedBench(plugin, gate: gate) { bench, loop in
            let request = OperationRequest(.chat, requestID: "r", input: ByteBuffer())
            let (first, second) = (bench.makeDriver(request).driver, bench.makeDriver(request).driver)
            #expect(first.start(mayWait: false))
            #expect(!second.start(mayWait: false))
            #expect(gate.standing.outstanding == 1)
            #expect(plugin.counts.made == 1)
            loop.advanceTime(by: .seconds(10))
            #expect(bench.log.all == ["result {}"])
            #expect(gate.standing == DeploymentStanding())

            // As if it had not been tried.
            #expect(second.start(mayWait: false))
            loop.advanceTime(by: .seconds(10))
            #expect(bench.log.all == ["result {}", "result {}"])
        }
    }

    @Test
    func whatFindsTheQueueFullIsRefusedAtOnce() throws {
        let gate = Self.gate(running: 1)
        let plugin = try Self.waiting()
        try withEmbeddedBench(plugin, gate: gate) { bench, loop in
            for _ in 0..<4 { bench.start() }

            #expect(bench.log.all == ["failure rateLimit"])
            loop.advanceTime(by: .seconds(10))
            #expect(bench.log.all.count == 4)
        }
        #expect(plugin.counts.made == 3)
        #expect(plugin.counts.freed == 3)
    }

    @Test
    func whatWaitsForTooLongIsRefused() throws {
        let gate = Self.gate(running: 1, longestWait: .milliseconds(600))
        try withEmbeddedBench(try Self.waiting(), gate: gate) { bench, loop in
            bench.start()
            bench.start()
            loop.advanceTime(by: .milliseconds(500))
            #expect(bench.log.all == [])
            loop.advanceTime(by: .milliseconds(100))

            #expect(bench.log.all == ["failure rateLimit"])
            #expect(gate.standing.outstanding == 1)
            loop.advanceTime(by: .seconds(5))
            #expect(bench.log.all == ["failure rateLimit", "result {}"])
        }
    }

    @Test
    func whatWaitedWhileTheLoopStoodStillIsNotRefused() async throws {
        let gate = Self.gate(running: 1, longestWait: .milliseconds(50))
        try await withBench(try Self.waiting(milliseconds: 300), gate: gate) { bench in
            let second = bench.loop.flatSubmit {
                bench.start()
                let waiting = bench.makeDriver(OperationRequest(.chat, requestID: "r", input: ByteBuffer()))
                waiting.driver.start()
                // All timers are late then, and that of the queue is the first.
                usleep(500_000)
                return waiting.client.ended.futureResult
            }

            await #expect(throws: Never.self) { try await second.get().get() }
            #expect(bench.log.all == ["result {}", "result {}"])
        }
    }

    @Test
    func theRefusalSaysWhatToDoAndLetsOthersTry() throws {
        let gate = Self.gate(running: 1, waiting: 0)
        try withEmbeddedBench(try Self.waiting(), gate: gate) { bench, loop in
            bench.start()
            let refused = bench.makeDriver(OperationRequest(.chat, requestID: "r", input: ByteBuffer()))
            let outcome = refused.client.ended.futureResult
            refused.driver.start()

            let failure = #expect(throws: OperationFailure.self) { try outcome.wait().get() }
            #expect(failure?.retryAfter == .seconds(1))
            #expect(failure?.isRetryable == true)
            #expect(failure?.mayFallBack == true)
            #expect(failure?.message.contains("max_parallel_requests") == true)
            loop.advanceTime(by: .seconds(1))
        }
    }

    @Test
    func aClientThatLeavesGivesUpItsPlace() throws {
        let gate = Self.gate(running: 1)
        let plugin = try Self.waiting()
        try withEmbeddedBench(plugin, gate: gate) { bench, loop in
            bench.start()
            let second = bench.start()
            bench.start()
            second.pause()
            second.resume()
            #expect(bench.log.all == [])
            second.cancel()
            second.cancel()
            #expect(bench.log.all == ["failure cancelled"])
            #expect(gate.standing.outstanding == 2)

            loop.advanceTime(by: .seconds(5))
            #expect(bench.log.all == ["failure cancelled", "result {}", "result {}"])
            #expect(gate.standing == DeploymentStanding())
        }
        #expect(plugin.counts.made == 2)
    }

    @Test
    func aTurnThatComesToAnOperationThatHasEndedGoesToTheNext() throws {
        let gate = Self.gate(running: 1)
        let plugin = try Self.waiting()
        try withEmbeddedBench(plugin, gate: gate) { bench, loop in
            let first = bench.start()
            let second = bench.start()
            bench.start()
            // The first one's end puts the second one's turn on the loop, which has not run when its client leaves.
            first.cancel()
            second.cancel()
            loop.run()
            loop.advanceTime(by: .seconds(5))

            #expect(bench.log.all == ["failure cancelled", "failure cancelled", "result {}"])
            #expect(gate.standing == DeploymentStanding())
        }
        #expect(plugin.counts.made == plugin.counts.freed)
    }

    @Test
    func aTokenIsMadeForAnOperationThatTakesTheLastPlace() throws {
        let plugin = try ScriptedPlugin { step in
            if step.isCredential { return step.result("token", value: 60_000) }
            if step.event.kind == GANTRY_EV_TOKEN { return step.result() }
            return step.emit(GANTRY_CMD_TOKEN, text: "scope")
        }
        let gate = Self.gate(running: 1, waiting: 0)
        try withEmbeddedBench(plugin, gate: gate) { bench, loop in
            bench.start()
            loop.run()

            #expect(bench.log.all == ["result {}"])
            #expect(gate.standing == DeploymentStanding())
        }
    }

    @Test(arguments: [
        (GANTRY_ERR_UPSTREAM_UNAVAILABLE, 503, true), (GANTRY_ERR_UPSTREAM_TIMEOUT, 0, true),
        (GANTRY_ERR_UPSTREAM_PROTOCOL, 200, true),
        (GANTRY_ERR_RATE_LIMIT, 429, true), (GANTRY_ERR_QUOTA, 429, true), (GANTRY_ERR_UPSTREAM_AUTH, 401, true),
        (GANTRY_ERR_UPSTREAM_AUTH, 403, false), (GANTRY_ERR_INVALID, 400, false), (GANTRY_ERR_NOT_FOUND, 404, false),
        (GANTRY_ERR_TOO_LARGE, 413, false), (GANTRY_ERR_CONFLICT, 409, false), (GANTRY_ERR_FILTERED, 400, false),
        (GANTRY_ERR_INTERNAL, 0, false),
    ])
    func onlyTheProvidersOwnFailuresCountAgainstIt(code: Int, status: Int, counts: Bool) throws {
        let plugin = try ScriptedPlugin { step in
            step.emit(GANTRY_CMD_ERROR) { command in
                command.code = Int32(code)
                command.upstream = UInt32(status)
            }
        }
        let gate = Self.gate(running: nil, cooldown: Self.busy)
        try withEmbeddedBench(plugin, gate: gate) { bench, _ in
            bench.start()
            #expect(bench.log.all.count == 1)
            #expect((gate.standing.rest != nil) == counts, "\(bench.log.all)")
        }
    }

    @Test
    func aLongAnswerEndsTheRestWhenItBegins() async throws {
        let gate = Self.gate(running: nil, cooldown: CooldownRules(allowedFailures: 0, cooldown: .seconds(3600)))
        guard case .admitted(let failing) = gate.enter(on: EmbeddedEventLoop(), turn: { { _ in } }) else { return }
        gate.leave(failing, .failed)
        #expect(gate.standing.rest != nil)

        try await withServer { _, _, channel in
            // The head of an answer that goes on.
            channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), promise: nil)
        } test: { port in
            let plugin = try ScriptedPlugin { step in
                switch step.event.kind {
                case GANTRY_EV_START: return step.http("http://127.0.0.1:\(port)/")
                case GANTRY_EV_HEAD: return step.output("begun")
                default: return 0
                }
            }
            try await withBench(plugin, gate: gate) { bench in
                let outcome = try await bench.run { $0.onOutput = { $0?.cancel() } }

                #expect(throws: OperationFailure.self) { _ = try outcome.get() }
                #expect(gate.standing == DeploymentStanding())
            }
        }
    }

    @Test
    func manyOperationsOnManyThreadsKeepTheLimitAndAllEnd() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 4)
        let gate = DeploymentGate(
            limits: GateLimits(running: 3, waiting: 1000, longestWait: .seconds(30)),
            cooldown: .none
        )
        let counts = Mutex((running: 0, most: 0, ended: 0))
        let ended = group.next().makePromise(of: Void.self)
        let total = 1000
        @Sendable
        func begin(_ ticket: CircuitBreaker.Ticket, _ loop: any EventLoop) {
            counts.withLock { counts in
                counts.running += 1
                counts.most = max(counts.most, counts.running)
            }
            loop.execute {
                counts.withLock { $0.running -= 1 }
                gate.leave(ticket, .answered)
                let count = counts.withLock { counts in
                    counts.ended += 1
                    return counts.ended
                }
                if count == total { ended.succeed() }
            }
        }
        for _ in 0..<total {
            let loop = group.next()
            loop.execute {
                switch gate.enter(on: loop, turn: { { begin($0, loop) } }) {
                case .admitted(let ticket): begin(ticket, loop)
                case .waits: break
                case .full, .occupied: ended.fail(OperationFailure(.rateLimit, "the queue is long enough"))
                }
            }
        }
        try await ended.futureResult.get()

        #expect(counts.withLock { $0.most } <= 3)
        #expect(gate.standing == DeploymentStanding())
        try await group.shutdownGracefully()
    }

    @Test
    func aPlaceThatCameIsNotGivenBack() throws {
        let gate = Self.gate(running: 1)
        let loop = EmbeddedEventLoop()
        let turns = Mutex<[CircuitBreaker.Ticket]>([])
        guard case .admitted(let first) = gate.enter(on: loop, turn: { { _ in } }),
            case .waits(let place) = gate.enter(on: loop, turn: { { ticket in turns.withLock { $0.append(ticket) } } })
        else {
            Issue.record("not admitted and queued")
            return
        }
        gate.leave(first, .answered)

        #expect(!gate.withdraw(place))
        loop.run()
        let second = try #require(turns.withLock { $0.first })
        #expect(gate.standing.outstanding == 1)
        gate.leave(second, .answered)
        #expect(gate.standing.outstanding == 0)
        try loop.close()
    }
}
