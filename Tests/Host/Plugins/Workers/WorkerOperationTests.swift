import CGantryPlugin
import Crypto
import CryptoExtras
import HostCore
import HostPluginABI
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HostPlugins

/// Operations whose plugin is in a worker.
@Suite(.timeLimit(.minutes(2)))
struct WorkerOperationTests {
    /// So many lines; then the end, or a failure.
    private final class CountedLines: SourceLines {
        private let left: Mutex<Int>
        private let failure: RuleError?

        init(_ count: Int, then failure: RuleError? = nil) {
            left = Mutex(count)
            self.failure = failure
        }

        func next() throws -> SourcePiece {
            let number = left.withLock { left in
                left -= 1
                return left
            }
            if number % 5 == 3 { return .nothingYet }
            guard number < 0 else { return .line(SourceLine(bytes: ByteBuffer(string: "line \(number)"))) }
            if let failure { throw failure }
            return .end
        }
    }

    @Test
    func commandsComeBackAndAreCountedAsSteps() async throws {
        try await withWorkers { bench in
            let outcome = try await bench.run("echo hello")

            #expect(outcome.text == "{}")
            #expect(bench.log.all == ["output hello", "result {}"])
            let end = try await bench.run("wait 1")
            #expect(end.text == "waited")
            let reading = bench.meters.reading
            #expect(reading.operations == 2)
            #expect(reading.steps.count == 3)
            #expect(reading.failures == 0)
        }
    }

    @Test(arguments: [1, 10, 200_000])
    func anOperationThatHasEndedIsFreedWithTheNextStep(length: Int) async throws {
        try await withWorkers(loops: 1) { bench in
            for _ in 0..<5 {
                _ = try await bench.run("echo hello")
                let input = "operations " + String(repeating: "x", count: length)
                // The one before goes when this one is answered, or went already, for nothing came for a while.
                let count = try #require(Int(try await bench.run(input).text ?? ""))
                #expect((1...2).contains(count))
            }
        }
    }

    @Test(arguments: [1, 63, 64, 1000])
    func operationsThatHaveEndedAreFreedWithoutAnotherStep(count: Int) async throws {
        try await withWorkers { bench in
            let loops = Array(bench.group.makeIterator())
            _ = try await EventLoopFuture.whenAllSucceed(
                (0..<count).map { _ in bench.begin(ByteBuffer(string: "wait 20"), loop: loops[0]) },
                on: loops[0]
            ).get()
            // The other loop has a socket of its own, on which nothing is freed but what was asked there.
            var left = ""
            let deadline = ContinuousClock.now.advanced(by: .seconds(30))
            while left != "1", ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(100))
                left = try await bench.run("operations", loop: loops[1]).text ?? ""
            }
            #expect(left == "1")
        }
    }

    @Test
    func theProvidersAnswerIsGivenToTheWorkerPieceByPiece() async throws {
        try await withServer(AnswerServer.answering("one\ntwo\nthree\n")) { port in
            try await withWorkers { bench in
                let outcome = try await bench.run("http http://127.0.0.1:\(port)/")

                #expect(outcome.text == "{}")
                #expect(bench.log.all == ["output one", "output two", "output three", "result {}"])
            }
        }
    }

    @Test
    func hostsThatAreNotAllowedAreDeniedThereToo() async throws {
        try await withWorkers { bench in
            let outcome = try await bench.run("http http://127.0.0.2:1/")
            #expect(outcome.text == "failed")
        }
    }

    @Test
    func manyOperationsRunAtTheSameTimeOnSeveralLoops() async throws {
        try await withWorkers(PluginLimits(stepTime: .seconds(20), workers: 2), loops: 3) { bench in
            let loops = Array(bench.group.makeIterator())
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for number in 0..<900 {
                    tasks.addTask {
                        let log = EventLog()
                        let input = number.isMultiple(of: 3) ? "wait \(number % 7)" : "echo \(number)"
                        let outcome = try await bench.run(input, loop: loops[number % 3], log: log)
                        #expect(outcome.failure == nil)
                        let expected =
                            number.isMultiple(of: 3) ? ["result waited"] : ["output \(number)", "result {}"]
                        #expect(log.all == expected)
                    }
                }
                try await tasks.waitForAll()
            }
            let workers = try #require(bench.instance.workers?.workers)
            #expect(workers.map(\.operations) == [0, 0])
            #expect(Set(workers.map(\.processID)).count == 2)
            #expect(bench.meters.reading.crashes.values.allSatisfy { $0 == 0 })
        }
    }

    @Test(arguments: [0, 1, 70_000, 300_000, 8 << 20])
    func inputsOfAnySizeArriveAsTheyAre(size: Int) async throws {
        try await withWorkers { bench in
            var input = ByteBuffer(string: "length ")
            input.writeBytes((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
            let sum = input.readableBytesView.reduce(UInt32(0)) { $0 &* 31 &+ UInt32($1) }
            let reference = OperationReference(kind: .model, range: 0..<3, clientID: "m", upstreamID: "u")

            let outcome = try await bench.begin(input, references: [reference, reference]).get()

            #expect(outcome.text == "\(size + 7) \(sum) 2")
        }
    }

    @Test
    func whatWouldFillTheWorkersMemoryIsRefusedBefore() async throws {
        let limits = PluginLimits(stepTime: .seconds(5), memoryInBytes: 128 << 20, workers: 1)
        try await withWorkers(limits) { bench in
            let input = ByteBuffer(repeating: UInt8(ascii: "x"), count: 33 << 20)

            let failure = try await bench.begin(input).get().failure

            #expect(failure?.reason == .tooLarge)
            #expect(failure?.message == "A worker of scripted takes 32 MiB at a time: a quarter of memory_mb.")
            let end = try await bench.run("echo on")
            #expect(end.text == "{}")
            #expect(bench.instance.workers?.workers.map(\.operations) == [0])
        }
    }

    @Test
    func largeOutputsArriveAndThoseOverTheLimitAreRefusedInTheWorker() async throws {
        try await withWorkers { bench in
            let log = EventLog()
            let end1 = try await bench.run("large \(24 << 20)", log: log)
            #expect(end1.text == "{}")
            #expect(log.all.first?.utf8.count == "output ".utf8.count + 24 << 20)

            let refused = try await bench.run("large \(100 << 20)")

            #expect(refused.failure?.reason == .pluginFailed)
            #expect(bench.meters.reading.crashes.values.allSatisfy { $0 == 0 })
            let end2 = try await bench.run("echo on")
            #expect(end2.text == "{}")
        }
    }

    @Test
    func linesOfTheSourceAreGivenOneByOne() async throws {
        try await withWorkers { bench in
            let said = try await bench.run("pull say", lines: CountedLines(7))
            #expect(said.text == "6 lines")
            #expect(bench.log.all.first == "output line 6")
            let many = try await bench.run("pull", lines: CountedLines(20_000))
            #expect(many.text == "16000 lines")
            let none = try await bench.run("pull", lines: CountedLines(0))
            #expect(none.text == "0 lines")
            let failing = CountedLines(1, then: RuleError(.invalidRequest, "line 2 is wrong"))
            let broken = try await bench.run("pull", lines: failing)
            #expect(broken.failure?.message == "line 2 is wrong")
        }
    }

    @Test
    func theRulesOfEmissionHoldInTheWorker() async throws {
        try await withWorkers { bench in
            let outcome = try await bench.run("twice")
            #expect(outcome.text == "\(Status.state)")
        }
    }

    @Test
    func theHostSignsForTheWorker() async throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation
        try await withWorkers(secrets: ["rsa": key, "mac": "a secret of mine"]) { bench in
            let digest = SHA256.hash(data: Array("data".utf8)).prefix(4).map { String($0, radix: 16) }

            let sha = try await bench.run("sign \(GANTRY_ALG_SHA256) ").text

            #expect(
                sha?.split(separator: " ").dropFirst(2).map { Int($0, radix: 16) } == digest.map { Int($0, radix: 16) }
            )
            let end1 = try await bench.run("sign \(GANTRY_ALG_HMAC_SHA256) mac")
            #expect(end1.text?.hasPrefix("0 32 ") == true)
            let end2 = try await bench.run("sign \(GANTRY_ALG_RS256) rsa")
            #expect(end2.text?.hasPrefix("0 256 ") == true)
            let end3 = try await bench.run("sign \(GANTRY_ALG_RS256) none")
            #expect(end3.text == "\(Status.notFound) 0")
            let end4 = try await bench.run("sign 77 mac")
            #expect(end4.text == "\(Status.unsupported) 0")
        }
    }

    @Test
    func manySignaturesAtATimeHoldNobodyUp() async throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation
        try await withWorkers(PluginLimits(stepTime: .seconds(20), workers: 2), secrets: ["rsa": key]) { bench in
            try await withThrowingTaskGroup(of: String?.self) { tasks in
                for _ in 0..<60 { tasks.addTask { try await bench.run("sign \(GANTRY_ALG_RS256) rsa").text } }
                for _ in 0..<60 { tasks.addTask { try await bench.run("length ").text } }
                for try await text in tasks { #expect(text != nil) }
            }
        }
    }

    @Test
    func theCacheIsTheHostsAndSharedByTheWorkers() async throws {
        try await withWorkers(PluginLimits(stepTime: .seconds(5), workers: 2)) { bench in
            let end1 = try await bench.run("get 100")
            #expect(end1.text == "\(Status.notFound) 100 ")
            let end2 = try await bench.run("put value")
            #expect(end2.text == "0")
            for _ in 0..<4 {
                let end3 = try await bench.run("get 100")
                #expect(end3.text == "0 5 value")
            }
            let end4 = try await bench.run("get 2")
            #expect(end4.text == "\(Status.limit) 5 ")
        }
    }

    @Test
    func callsOnOneLoopHurtNoAnswersOnAnother() async throws {
        try await withWorkers(loops: 3) { bench in
            let loops = Array(bench.group.makeIterator())
            let operations = (0..<600).map { number in
                let input = number % 2 == 0 ? "get 64" : "echo on"
                return bench.begin(ByteBuffer(string: input), loop: loops[number % 3], log: EventLog())
            }

            for operation in operations {
                let outcome = try await operation.get()
                #expect(outcome.text != nil)
            }
            #expect(bench.meters.reading.crashes.values.allSatisfy { $0 == 0 })
        }
    }

    @Test
    func logLinesAreBoundedAndWithoutSecrets() async throws {
        try await withWorkers(secrets: ["s": "hunter2hunter2"]) { bench in
            let end = try await bench.run("log my hunter2hunter2")
            #expect(end.text == "{}")

            #expect(bench.lines.count(of: "a line") == 64)
            #expect(bench.lines.count(of: "hunter2") == 0)
        }
    }

    @Test
    func anOperationThatThePluginRefusesToMakeFailsAlone() async throws {
        try await withWorkers { bench in
            let refused = try await bench.run("", kind: .probe)

            #expect(refused.failure?.reason == .pluginFailed)
            #expect(refused.failure?.message.contains("refused the operation with status \(Status.limit)") == true)
            let end1 = try await bench.run("status")
            #expect(end1.failure?.message.contains("returned status") == true)
            let end2 = try await bench.run("echo on")
            #expect(end2.text == "{}")
            #expect(bench.instance.workers?.workers.map(\.operations) == [0])
        }
    }

    @Test
    func whoeverIsCancelledIsToldAndFreed() async throws {
        try await withWorkers { bench in
            let ended = bench.begin(ByteBuffer(string: "stall")) { driver, _ in
                let loop = driver.loop
                let kept = NIOLoopBound(driver, eventLoop: loop)
                _ = loop.scheduleTask(in: .milliseconds(20)) { kept.value.cancel() }
            }
            let end = try await ended.get()
            #expect(end.failure?.reason == .cancelled)
            #expect(bench.log.all == ["forget id-1", "failure cancelled"])
            #expect(await eventually { bench.instance.workers?.workers.map(\.operations) == [0] })
        }
    }

    @Test(arguments: [0, 300_000])
    func cancellationAtOnceLeavesNothingBehind(size: Int) async throws {
        try await withWorkers { bench in
            let input = "spin 50 " + String(repeating: "x", count: size)
            let ended = bench.begin(ByteBuffer(string: input)) { driver, _ in driver.cancel() }

            let end1 = try await ended.get()
            #expect(end1.failure?.reason ?? .cancelled == .cancelled)
            #expect(await eventually { bench.instance.workers?.workers.map(\.operations) == [0] })
            let end2 = try await bench.run("echo on")
            #expect(end2.text == "{}")
        }
    }

    @Test
    func theDeadlineDoesNotWaitForAStep() async throws {
        let limits = PluginLimits(stepTime: .seconds(20), workers: 1)
        try await withWorkers(limits, timeout: .milliseconds(50)) { bench in
            let outcome = try await bench.run("spin 2000")

            #expect(outcome.failure?.reason == .upstreamTimeout)
            #expect(bench.log.all == ["failure upstreamTimeout"])
            #expect(await eventually { bench.instance.workers?.workers.map(\.operations) == [0] })
            #expect(bench.meters.reading.crashes.values.allSatisfy { $0 == 0 })
        }
    }

    @Test
    func moreOperationsThanTheLimitAreRefusedAtOnce() async throws {
        let limits = PluginLimits(stepTime: .seconds(5), workers: 2, operations: 3)
        try await withWorkers(limits) { bench in
            let cancel = Mutex<[NIOLoopBound<OperationDriver>]>([])
            let running = (0..<3).map { _ in
                bench.begin(ByteBuffer(string: "stall")) { driver, _ in
                    let kept = NIOLoopBound(driver, eventLoop: driver.loop)
                    cancel.withLock { $0.append(kept) }
                }
            }
            #expect(await eventually { cancel.withLock { $0.count } == 3 })

            let refused = try await bench.run("echo").failure

            #expect(refused?.reason == .rateLimit)
            #expect(refused?.retryAfter == .seconds(1))
            for driver in cancel.withLock({ $0 }) { driver.eventLoop.execute { driver.value.cancel() } }
            for operation in running {
                let end1 = try await operation.get()
                #expect(end1.failure?.reason == .cancelled)
            }
            let end2 = try await bench.runWhenAlive("echo")
            #expect(end2.text == "{}")
        }
    }
}
