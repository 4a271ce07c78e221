import CGantryPlugin
import Dispatch
import HostCore
import HostPluginABI
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HostPlugins

@Suite(.timeLimit(.minutes(1)))
struct OperationSourceTests {
    /// Lines that a test has written down; counts the looks for them.
    private final class ListedLines: SourceLines {
        enum Entry: Sendable {
            case line(String)
            case gap
            case failure(any Error)
            case wait(entered: DispatchSemaphore, mayGoOn: DispatchSemaphore)
        }

        private let entries: Mutex<[Entry]>
        private let counted = Mutex(0)

        init(_ entries: [Entry]) { self.entries = Mutex(entries.reversed()) }

        convenience init(_ lines: [String]) { self.init(lines.map { Entry.line($0) }) }

        var looks: Int { counted.withLock { $0 } }

        func next() throws -> SourcePiece {
            #expect(MultiThreadedEventLoopGroup.currentEventLoop == nil)
            counted.withLock { $0 += 1 }
            switch entries.withLock({ $0.popLast() }) {
            case .line(let text):
                let reference = OperationReference(kind: .model, range: 0..<0, clientID: "m", upstreamID: "u")
                return .line(SourceLine(bytes: ByteBuffer(string: text), references: [reference]))
            case .gap: return .nothingYet
            case .failure(let error): throw error
            case .wait(let entered, let mayGoOn):
                entered.signal()
                mayGoOn.wait()
                return .nothingYet
            case nil: return .end
            }
        }
    }

    private struct Broken: Error {}

    /// A plugin that outputs each line and asks for the next.
    private func reader(_ seen: EventLog = EventLog()) throws -> ScriptedPlugin {
        try ScriptedPlugin { step in
            seen.add(step.event.line)
            switch step.event.kind {
            case GANTRY_EV_START: return step.emit(GANTRY_CMD_PULL)
            case GANTRY_EV_SOURCE:
                #expect(step.event.references == 1)
                #expect(MultiThreadedEventLoopGroup.currentEventLoop == nil)
                step.output(step.event.data)
                return step.emit(GANTRY_CMD_PULL)
            case GANTRY_EV_SOURCE_END:
                #expect(step.emit(GANTRY_CMD_PULL) == Status.state)
                return step.result()
            default: return 0
            }
        }
    }

    @Test
    func thePluginGetsEachLineAndTheEnd() async throws {
        try await withBench(try reader()) { bench in
            let lines = ListedLines([.line("a"), .gap, .line(""), .gap, .gap, .line("c")])

            _ = try await bench.run(.inputCreate, lines: lines).get()

            #expect(bench.log.all == ["output a", "output ", "output c", "result {}"])
            #expect(lines.looks == 7)
        }
    }

    @Test
    func manyLinesThatNeedNothingElseTakeFewTurns() async throws {
        let lines = (0..<20_000).map { "line \($0)" }
        let count = Mutex(0)
        let plugin = try ScriptedPlugin { step in
            if step.event.kind == GANTRY_EV_SOURCE_END { return step.result() }
            if step.event.kind == GANTRY_EV_SOURCE {
                count.withLock { count in
                    #expect(step.event.data == "line \(count)")
                    count += 1
                }
            }
            #expect(step.emit(GANTRY_CMD_PULL) == 0)
            #expect(step.emit(GANTRY_CMD_PULL) == Status.state)
            return 0
        }
        try await withBench(plugin) { bench in
            _ = try await bench.run(.inputCreate, lines: ListedLines(lines)).get()

            #expect(count.withLock { $0 } == lines.count)
        }
        #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
    }

    @Test
    func noLineIsReadBeforeItIsAskedFor() async throws {
        let plugin = try ScriptedPlugin { step in
            switch step.event.kind {
            case GANTRY_EV_START: step.emit(GANTRY_CMD_PULL)
            case GANTRY_EV_SOURCE: step.remember("x")
            default: break
            }
            if step.event.kind == GANTRY_EV_SOURCE { step.result() }
            return 0
        }
        try await withBench(plugin) { bench in
            let lines = ListedLines(["a", "b", "c"])

            _ = try await bench.run(.inputCreate, lines: lines).get()

            #expect(lines.looks == 1)
            #expect(bench.log.all == ["remember x", "result {}"])
        }
    }

    @Test
    func anOperationWithoutLinesIsToldSo() async throws {
        let plugin = try ScriptedPlugin { step in
            #expect(step.emit(GANTRY_CMD_PULL) == Status.state)
            return step.result()
        }
        try await withBench(plugin) { bench in
            _ = try await bench.run(.inputCreate).get()
        }
    }

    @Test
    func aLineAgainstTheRulesEndsItWithTheRulesWords() async throws {
        for (code, reason) in [
            (RuleError.Code.invalidRequest, OperationFailure.Reason.invalid), (.tooLarge, .tooLarge),
        ] {
            try await withBench(try reader()) { bench in
                let error = RuleError(code, "Line 2 is wrong.", parameter: "body")

                let outcome = try await bench.run(.inputCreate, lines: ListedLines([.line("a"), .failure(error)]))

                let failure = #expect(throws: OperationFailure.self) { try outcome.get() }
                #expect(failure?.reason == reason)
                #expect(failure?.message == "Line 2 is wrong.")
                #expect(failure?.parameter == "body")
            }
        }
    }

    @Test
    func aSourceThatCannotBeReadIsTheGatewaysFailure() async throws {
        try await withBench(try reader()) { bench in
            _ = try await bench.run(.inputCreate, lines: ListedLines([.failure(Broken())]))

            #expect(bench.log.all == ["failure internalError"])
        }
    }

    @Test
    func cancellationWhileALineIsReadReachesThePlugin() async throws {
        let (entered, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let after: [ListedLines.Entry] = [.line("late"), .failure(Broken())]
        for next in after {
            let seen = EventLog()
            let plugin = try reader(seen)
            try await withBench(plugin) { bench in
                let lines = ListedLines([.wait(entered: entered, mayGoOn: mayGoOn), next])
                let started = try await bench.loop.submit {
                    let made = bench.makeDriver(
                        OperationRequest(.inputCreate, requestID: "r", input: ByteBuffer(string: "{}"), lines: lines)
                    )
                    made.driver.start()
                    return (NIOLoopBound(made.driver, eventLoop: bench.loop), made.client.ended.futureResult)
                }.get()
                try await NIOThreadPool.singleton.runIfActive { entered.wait() }
                try await bench.loop.submit { started.0.value.cancel() }.get()
                mayGoOn.signal()
                _ = try await started.1.get()

                #expect(seen.all == ["start", "cancel"])
                #expect(lines.looks == 1)
                #expect(bench.log.all == ["failure cancelled"])
            }
            #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
        }
    }

    @Test
    func theDeadlineDoesNotWaitForALine() async throws {
        let (entered, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let plugin = try reader()
        try await withBench(plugin, timeout: .milliseconds(50)) { bench in
            let lines = ListedLines([.wait(entered: entered, mayGoOn: mayGoOn)])

            let outcome = try await bench.run(.fileCreate, lines: lines)

            #expect(throws: OperationFailure.self) { try outcome.get() }
            #expect(bench.log.all == ["failure upstreamTimeout"])
            mayGoOn.signal()
            #expect(await eventually { plugin.counts.freed == 1 })
        }
    }

    @Test
    func whatGoesThroughAWholeFileHasAnHourAtLeast() async throws {
        try await withBench(try reader(), timeout: .milliseconds(50)) { bench in
            #expect(bench.target.timeout(of: .inputCreate) == .hours(1))
            #expect(bench.target.timeout(of: .batchResults) == .hours(1))
            #expect(bench.target.timeout(of: .chat) == .milliseconds(50))
        }
    }

    @Test
    func aClientThatDoesNotReadHoldsTheLinesBack() async throws {
        let lines = ListedLines(["a", "b"])
        try await withBench(try reader()) { bench in
            let started = try await bench.loop.submit {
                let made = bench.makeDriver(
                    OperationRequest(.inputCreate, requestID: "r", input: ByteBuffer(string: "{}"), lines: lines)
                ) { $0.onOutput = { $0?.pause() } }
                made.driver.start()
                return (NIOLoopBound(made.driver, eventLoop: bench.loop), made.client.ended.futureResult)
            }.get()
            #expect(await eventually { bench.log.all == ["output a"] })
            #expect(lines.looks == 1)
            try await bench.loop.submit { started.0.value.resume() }.get()
            #expect(await eventually { bench.log.all == ["output a", "output b"] })
            try await bench.loop.submit { started.0.value.resume() }.get()
            _ = try await started.1.get().get()
        }
    }

    @Test
    func otherKindsThanFilesAreJournaled() async throws {
        let kinds = ["file", "batch", "job", "response"]
        let plugin = try ScriptedPlugin { step in
            for kind in kinds {
                step.emit(GANTRY_CMD_REMEMBER, data: "1", text: kind)
                step.emit(GANTRY_CMD_FORGET, data: "1", text: kind)
            }
            return step.result()
        }
        let entries = Mutex<[JournalEntry]>([])
        try await withBench(plugin) { bench in
            _ = try await bench.run(.batchCreate) { client in
                client.onJournal = { entry in
                    entries.withLock { $0.append(entry) }
                    return nil
                }
            }.get()
        }
        #expect(
            entries.withLock { $0 } == kinds.flatMap { [.remember(kind: $0, id: "1"), .forget(kind: $0, id: "1")] }
        )
    }
}
