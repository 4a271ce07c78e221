import HostCore
import Synchronization
import Testing

@testable import HostPlugins

struct StepTimesTests {
    private static let placed: [(UInt64, Int)] = [
        (0, 0), (1, 0), (256, 0), (257, 1), (512, 1), (513, 2), (1_048_576, 12), (1_048_577, 13),
        (8_589_934_592, 25), (8_589_934_593, 26), (.max, 26),
    ]

    @Test(arguments: placed)
    func aBucketHoldsItsBound(nanoseconds: UInt64, bucket: Int) {
        #expect(StepTimes.bucket(of: nanoseconds) == bucket)
        if bucket < StepTimes.bounds.count { #expect(nanoseconds <= StepTimes.bounds[bucket]) }
        if bucket > 0 { #expect(nanoseconds > StepTimes.bounds[bucket - 1]) }
    }

    @Test
    func sharesAreBoundsOfBuckets() {
        let times = StepTimes()
        for _ in 0..<98 { times.note(nanoseconds: 1000) }
        times.note(nanoseconds: 40_000)
        times.note(nanoseconds: .max / 2)

        let reading = times.reading

        #expect(reading.count == 100)
        #expect(reading.sumInNanoseconds == 98 * 1000 + 40_000 + UInt64.max / 2)
        #expect(reading.bound(of: 0.5) == 1024)
        #expect(reading.bound(of: 0.99) == 65_536)
        #expect(reading.bound(of: 1) == .max)
    }

    @Test
    func noStepsHaveNoShares() {
        #expect(StepTimes().reading.bound(of: 0.5) == nil)
        #expect(StepTimes().reading.count == 0)
    }

    @Test
    func nothingIsLostAmongThreads() async {
        let times = StepTimes()

        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask { for _ in 0..<10_000 { times.note(nanoseconds: UInt64(1 + thread)) } }
            }
        }

        #expect(times.reading.buckets[0] == 80_000)
        #expect(times.reading.sumInNanoseconds == 36 * 10_000)
    }
}

struct PluginMeterTests {
    private final class StandingClock: WallClock {
        private let time = Mutex(UnixTime(secondsSince1970: 1_800_000_000))

        func now() -> UnixTime { time.withLock { $0 } }
        func advance() { time.withLock { $0 = $0.advanced(bySeconds: 1) } }
    }

    @Test
    func everyEventIsCountedByItself() {
        let clock = StandingClock()
        let meters = PluginMeters(plugin: "acme", clock: clock)

        meters.noteLoad(generation: 1)
        meters.noteLoad(generation: 2)
        clock.advance()
        for reason in PluginRefusalReason.allCases { meters.noteRefusal(reason, "\(reason) it is") }
        meters.noteRefusal(.trust, "unsigned")
        clock.advance()
        for cause in PluginCrashCause.allCases { meters.noteCrash(cause, "\(cause) it was") }
        meters.noteCrash(.sandbox, "SIGSYS")
        for _ in 0..<3 { meters.noteRestart() }
        for _ in 0..<5 { meters.noteOperation() }
        for _ in 0..<4 { meters.noteFailure() }
        meters.noteStep(nanoseconds: 300)

        let reading = meters.reading
        #expect(reading.loads == 2)
        #expect(reading.generation == 2)
        #expect(reading.lastLoad?.secondsSince1970 == 1_800_000_000)
        #expect(reading.restarts == 3)
        #expect(reading.operations == 5)
        #expect(reading.failures == 4)
        #expect(reading.steps.count == 1)
        for reason in PluginRefusalReason.allCases { #expect(reading.refusals[reason] == (reason == .trust ? 2 : 1)) }
        for cause in PluginCrashCause.allCases { #expect(reading.crashes[cause] == (cause == .sandbox ? 2 : 1)) }
        #expect(reading.lastRefusal?.reason == .trust)
        #expect(reading.lastRefusal?.text == "unsigned")
        #expect(reading.lastRefusal?.at.secondsSince1970 == 1_800_000_001)
        #expect(reading.lastCrash?.cause == .sandbox)
        #expect(reading.lastCrash?.text == "SIGSYS")
        #expect(reading.lastCrash?.at.secondsSince1970 == 1_800_000_002)
    }

    @Test
    func textsAreCutAtTheirLimit() throws {
        let meters = PluginMeters(plugin: "acme")

        meters.noteRefusal(.manifest, String(repeating: "ü", count: 100_000))
        meters.noteCrash(.garbage, String(repeating: "x", count: 100_000))

        #expect(try #require(meters.reading.lastRefusal).text == String(repeating: "ü", count: 512))
        #expect(try #require(meters.reading.lastCrash).text.utf8.count == 1024)
    }

    @Test
    func aPluginKeepsItsMeters() {
        let board = PluginMeterBoard()

        board.meters(of: "b").noteOperation()
        board.meters(of: "a").noteLoad(generation: 1)
        board.meters(of: "b").noteOperation()

        #expect(board.readings.map(\.plugin) == ["a", "b"])
        #expect(board.reading(of: "b")?.operations == 2)
        #expect(board.reading(of: "c") == nil)
        #expect(board.readings.map(\.plugin) == ["a", "b"], "a look leaves nothing behind")
    }

    @Test
    func anyNumberOfPluginsDoesNotGrowTheBoardForEver() {
        let board = PluginMeterBoard()

        for number in 0..<5000 { board.meters(of: "p\(number)").noteRefusal(.manifest, "no") }

        #expect(board.readings.count == PluginMeterBoard.maximumPlugins + 1)
        let others = board.readings.last { $0.plugin == PluginMeterBoard.othersID }
        #expect(others?.refusals[.manifest] == UInt64(5000 - PluginMeterBoard.maximumPlugins))
        #expect(board.meters(of: "p7").reading.refusals[.manifest] == 1)
    }
}
