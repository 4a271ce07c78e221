import CGantryPlugin
import HostPluginABI
import NIOCore
import NIOEmbedded
import Testing

@testable import HostPlugins

struct OperationEndTests {
    private struct Unwritten: Error {}

    private static let freedOnce = ScriptedPlugin.Counts(
        made: 1,
        freed: 1,
        targetsFreed: 1,
        instancesFreed: 1,
        faults: 0
    )

    @Test
    func nothingHappensBeforeTheJournalIsWritten() throws {
        let plugin = try ScriptedPlugin { step in
            step.remember("file-1")
            step.output("x")
            return step.result()
        }
        try withEmbeddedBench(plugin) { bench, loop in
            let written = loop.makePromise(of: Void.self)
            bench.start { $0.onJournal = { _ in written.futureResult } }
            loop.advanceTime(by: .seconds(20))

            #expect(bench.log.all == ["remember file-1"])
            written.succeed()
            #expect(bench.log.all == ["remember file-1", "output x", "result {}"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func aJournalThatCannotBeWrittenEndsTheOperation() throws {
        let plugin = try ScriptedPlugin { step in
            step.remember("a")
            step.output("x")
            step.remember("b")
            return step.result()
        }
        try withEmbeddedBench(plugin) { bench, loop in
            bench.start { $0.onJournal = { _ in loop.makeFailedFuture(Unwritten()) } }

            #expect(bench.log.all == ["remember a", "remember b", "failure journalUnavailable"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func aJournalThatHangsIsGivenUpSomeTimeAfterTheDeadline() throws {
        let plugin = try ScriptedPlugin { $0.remember("a") }
        try withEmbeddedBench(plugin, timeout: .seconds(5)) { bench, loop in
            let written = loop.makePromise(of: Void.self)
            bench.start { $0.onJournal = { _ in written.futureResult } }
            loop.advanceTime(by: .seconds(6))
            #expect(bench.log.all == ["remember a"])
            loop.advanceTime(by: .seconds(10))
            #expect(bench.log.all == ["remember a", "failure upstreamTimeout"])
            written.fail(Unwritten())
            #expect(bench.log.all == ["remember a", "failure upstreamTimeout"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func theDeadlineEndsAnOperationThatWaits() throws {
        let plugin = try ScriptedPlugin { $0.emit(GANTRY_CMD_WAIT, value: 60_000) }
        try withEmbeddedBench(plugin, timeout: .seconds(5)) { bench, loop in
            bench.start()
            loop.advanceTime(by: .seconds(4))
            #expect(bench.log.all == [])
            loop.advanceTime(by: .seconds(2))
            #expect(bench.log.all == ["failure upstreamTimeout"])
            loop.advanceTime(by: .seconds(100))
            #expect(bench.log.all == ["failure upstreamTimeout"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func aWaitEndsWithATimerEventAndNotBefore() throws {
        let log = EventLog()
        let plugin = try ScriptedPlugin { step in
            log.add(step.event.line)
            return step.event.kind == GANTRY_EV_START
                ? step.emit(GANTRY_CMD_WAIT, value: 1500) : step.result()
        }
        try withEmbeddedBench(plugin) { bench, loop in
            bench.start()
            loop.advanceTime(by: .milliseconds(1499))
            #expect(log.all == ["start"])
            loop.advanceTime(by: .milliseconds(1))
            #expect(log.all == ["start", "timer"])
            #expect(bench.log.all == ["result {}"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func aSecondWaitReplacesTheFirst() throws {
        let log = EventLog()
        let plugin = try ScriptedPlugin { step in
            log.add(step.event.line)
            guard step.event.kind == GANTRY_EV_START else { return step.result() }
            step.emit(GANTRY_CMD_WAIT, value: 1000)
            return step.emit(GANTRY_CMD_WAIT, value: .max)
        }
        try withEmbeddedBench(plugin, timeout: .seconds(3600)) { bench, loop in
            bench.start()
            loop.advanceTime(by: .seconds(59))
            #expect(log.all == ["start"])
            loop.advanceTime(by: .seconds(1))
            #expect(log.all == ["start", "timer"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func cancellationIsToldOnceAndLeavesOnlyTheBooks() throws {
        let log = EventLog()
        let plugin = try ScriptedPlugin { step in
            log.add(step.event.line)
            guard step.event.kind == GANTRY_EV_CANCEL else { return step.emit(GANTRY_CMD_WAIT, value: 1000) }
            #expect(step.output("x") == Status.state)
            #expect(step.http("http://127.0.0.1/") == Status.state)
            #expect(step.remember("x") == Status.state)
            #expect(step.emit(GANTRY_CMD_TOKEN, text: "s") == Status.state)
            #expect(step.emit(GANTRY_CMD_WAIT, value: 1) == Status.state)
            #expect(step.emit(GANTRY_CMD_PIPE) == Status.state)
            #expect(step.emit(GANTRY_CMD_USAGE) == Status.state)
            #expect(step.emit(GANTRY_CMD_FORGET, data: "file-1", text: "file") == Status.ok)
            return step.emit(GANTRY_CMD_ERROR, code: GANTRY_ERR_CANCELLED)
        }
        try withEmbeddedBench(plugin) { bench, loop in
            let driver = bench.start()
            driver.cancel()
            driver.cancel()
            loop.advanceTime(by: .seconds(100))

            #expect(log.all == ["start", "cancel"])
            #expect(bench.log.all == ["forget file-1", "failure cancelled"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func aPluginThatIgnoresCancellationIsEnded() throws {
        let plugin = try ScriptedPlugin { step in
            step.emit(GANTRY_CMD_WAIT, value: 1000)
            return 0
        }
        try withEmbeddedBench(plugin) { bench, _ in
            bench.start().cancel()

            #expect(bench.log.all == ["failure cancelled"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func whatWasCreatedBeforeCancellationIsJournaledAndTheResultCounts() throws {
        let log = EventLog()
        let plugin = try ScriptedPlugin { step in
            log.add(step.event.line)
            step.remember("a")
            step.output("x")
            step.remember("b")
            return step.result("made")
        }
        try withEmbeddedBench(plugin) { bench, loop in
            let written = loop.makePromise(of: Void.self)
            let driver = bench.start { $0.onJournal = { _ in written.futureResult } }
            driver.cancel()
            #expect(bench.log.all == ["remember a"])
            written.succeed()

            #expect(bench.log.all == ["remember a", "remember b", "result made"])
            // Its plugin had given its last word: nothing more is said to it.
            #expect(log.all == ["start"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func aClientThatLeavesInsideACallbackIsHeard() throws {
        let log = EventLog()
        let plugin = try ScriptedPlugin { step in
            log.add(step.event.line)
            guard step.event.kind == GANTRY_EV_START else { return 0 }
            step.output("1")
            step.output("2")
            return step.emit(GANTRY_CMD_WAIT, value: 1)
        }
        try withEmbeddedBench(plugin) { bench, _ in
            bench.start { $0.onOutput = { $0?.cancel() } }

            #expect(log.all == ["start", "cancel"])
            #expect(bench.log.all == ["output 1", "failure cancelled"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func aClientThatPausesGetsNoEventUntilItResumes() throws {
        let log = EventLog()
        let plugin = try ScriptedPlugin { step in
            log.add(step.event.line)
            guard step.event.kind == GANTRY_EV_START else { return step.result() }
            step.output("1")
            return step.emit(GANTRY_CMD_WAIT, value: 1)
        }
        try withEmbeddedBench(plugin) { bench, loop in
            let driver = bench.start { $0.onOutput = { $0?.pause() } }
            loop.advanceTime(by: .seconds(1))
            #expect(log.all == ["start"])
            driver.resume()
            #expect(log.all == ["start", "timer"])
            #expect(bench.log.all == ["output 1", "result {}"])
        }
        #expect(plugin.counts == Self.freedOnce)
    }

    @Test
    func nothingKeepsAnOperationThatIsOver() throws {
        let plugin = try ScriptedPlugin { step in
            step.event.kind == GANTRY_EV_START ? step.emit(GANTRY_CMD_WAIT, value: 10) : step.result()
        }
        try withEmbeddedBench(plugin) { bench, loop in
            weak var driver: OperationDriver?
            driver = bench.start()
            #expect(driver != nil)
            loop.advanceTime(by: .milliseconds(10))
            #expect(driver == nil)
            driver = bench.start()
            driver?.cancel()
            #expect(driver == nil)
        }
        #expect(plugin.counts.freed == 2)
    }
}
