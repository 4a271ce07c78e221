import GantryPlugin
import PluginHarness
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The rules of the boundary, for whatever an adapter does and whatever a host does.
///
/// The tests run one after another because they count the tasks that live.
@Suite(.serialized)
struct OperationConformanceTests {
    private let harness: PluginHarness<CountedAdapter>

    init() throws { harness = try PluginHarness() }

    private func expected(_ script: Script) throws -> [String] {
        try script.run(harness).commands.map { $0.summary }
    }

    private func expectNoTask() { #expect(CountedAdapter.liveTasks.withLock { $0 } == 0) }

    @Test(arguments: Script.all)
    func theSameEventsLeadToTheSameCommands(script: Script) throws {
        #expect(try expected(script) == expected(script))
        expectNoTask()
    }

    @Test(arguments: Script.all)
    func cancellationEndsItBeforeEveryEvent(script: Script) throws {
        let full = try expected(script)
        for count in 0..<script.events.count {
            let probe = try harness.makeOperation(script.kind)
            for event in script.events.prefix(count) { probe.deliver(event) }
            let before = probe.commands.count
            #expect(probe.commands.map { $0.summary } == Array(full.prefix(before)))

            let emitted = probe.cancel()

            #expect(emitted.allSatisfy { [.forget, .error].contains($0.kind) })
            #expect(probe.failure?.reason == .cancelled)
            for event in script.events { #expect(probe.deliver(event).isEmpty) }
            probe.free()
        }
        expectNoTask()
    }

    @Test(arguments: Script.all)
    func freeingEndsItBeforeEveryEventWithoutAWord(script: Script) throws {
        for count in 0...script.events.count {
            let probe = try harness.makeOperation(script.kind)
            for event in script.events.prefix(count) { probe.deliver(event) }
            let before = probe.commands.count

            probe.free()

            #expect(probe.commands.count == before)
            expectNoTask()
        }
    }

    @Test(arguments: Script.all, [Int32(-1), -2, -3, -5, -7])
    func aRefusedCommandEndsIt(script: Script, status: Int32) throws {
        let full = try expected(script)
        for refused in full.indices {
            let probe = try harness.makeOperation(script.kind)
            probe.answer = { $0 == refused ? status : 0 }
            var statuses: [Int32] = []
            for event in script.events {
                probe.deliver(event)
                statuses.append(probe.lastStatus)
            }

            #expect(probe.commands.prefix(refused + 1).map { $0.summary } == Array(full.prefix(refused + 1)))
            if status == -5 {
                #expect(probe.commands.count == refused + 1)
                #expect(statuses.contains(-5))
            } else {
                #expect(probe.last?.kind == .error)
                #expect(statuses.allSatisfy { $0 == 0 })
            }
        }
        expectNoTask()
    }

    @Test(arguments: Script.all)
    func aHostThatRefusesEverythingIsTold(script: Script) throws {
        let probe = try harness.makeOperation(script.kind)
        probe.answer = { _ in -2 }

        probe.deliver(script.events[0])

        #expect(probe.lastStatus == -2)
        #expect(probe.commands.count == 2)
        expectNoTask()
    }

    @Test(arguments: Script.all)
    func unknownAndForeignEventsChangeNothing(script: Script) throws {
        var foreign: [ProbeEvent] = [0, 11, 12, 31, 32, 64, .max].map { ProbeEvent(kind: $0) }
        for var event in [ProbeEvent.head(500), .data([1]), .end, .failed(4)] {
            event.request = 77
            foreign.append(event)
            event.request = 0
            foreign.append(event)
        }
        let probe = try harness.makeOperation(script.kind)
        for event in script.events {
            for stranger in foreign {
                var stranger = stranger
                if stranger.request == nil { stranger.request = probe.outstandingRequest }
                #expect(probe.deliver(stranger).isEmpty)
            }
            probe.deliver(event)
        }

        #expect(probe.commands.map { $0.summary } == (try expected(script)))
    }

    @Test(arguments: Script.all)
    func eventsThatAreNotAwaitedChangeNothing(script: Script) throws {
        let probe = try harness.makeOperation(script.kind)
        for event in script.events {
            if event.kind != 6 { #expect(probe.deliver(.timer).isEmpty) }
            if event.kind != 7 { #expect(probe.deliver(.token("stray")).isEmpty) }
            if event.kind != 8, event.kind != 9 {
                #expect(probe.line("stray").isEmpty)
                #expect(probe.endOfSource().isEmpty)
            }
            probe.deliver(event)
        }

        #expect(probe.commands.map { $0.summary } == (try expected(script)))
    }

    @Test(arguments: Script.all)
    func eventsOfOlderHostsAreReadAsFarAsTheyGo(script: Script) throws {
        for size in UInt32(0)...96 {
            let probe = try harness.makeOperation(script.kind)
            for event in script.events {
                var event = event
                event.size = size
                probe.deliver(event)
            }
            probe.cancel()

            #expect(probe.isOver)
        }
        expectNoTask()
    }

    @Test
    func theMembersThatAnOlderHostDoesNotSendAreZero() throws {
        let probe = try harness.makeOperation(.chat)
        for event in Script.chat.events {
            var event = event
            event.size = 64
            probe.deliver(event)
        }

        #expect(probe.result?["type"] == .null)
        #expect(probe.result?["references"] == [])
        #expect(probe.result?["status"] == 200)
    }

    @Test
    func operationsThatTakeTurnsDoNotMix() throws {
        let first = try harness.makeOperation(.chat)
        let second = try harness.makeOperation(.chat)
        var events = Script.chat.events
        for event in events {
            first.deliver(event)
            second.deliver(event)
        }
        events.removeAll()

        #expect(first.commands.map { $0.summary } == (try expected(.chat)))
        #expect(second.commands.map { $0.summary } == (try expected(.chat)))
    }

    @Test
    func memoryStaysFlat() throws {
        for _ in 0..<2_000 { _ = try Script.chat.run(harness) }
        let before = try residentKilobytes()

        for index in 0..<20_000 {
            let probe = try harness.makeOperation(.chat)
            for event in Script.chat.events.prefix(index % 9) { probe.deliver(event) }
        }

        #expect(try residentKilobytes() - before < 8_192)
        expectNoTask()
    }

    private func residentKilobytes() throws -> Int {
        let file = try #require(fopen("/proc/self/statm", "r"))
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        let line = try #require(fgets(&buffer, 128, file).map { String(cString: $0) })
        return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) }) * 4
    }
}
