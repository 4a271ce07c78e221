import Testing

@testable import HostPlugins

struct RestartPaceTests {
    private let start = ContinuousClock.Instant.now

    private func pauses(_ pace: inout RestartPace, deaths: Int) -> [Duration] {
        (0..<deaths).map { _ in pace.noteDeath(life: .zero, steps: 0, at: start) }
    }

    @Test
    func eachDeathInARowDoublesThePauseUpToALimit() {
        var pace = RestartPace()

        let pauses = pauses(&pace, deaths: 14)

        #expect(pauses.prefix(4) == [.milliseconds(10), .milliseconds(20), .milliseconds(40), .milliseconds(80)])
        #expect(pauses.suffix(2) == [.seconds(30), .seconds(30)])
    }

    @Test
    func theFifthDeathInARowStopsOperationsUntilAStartSucceeds() {
        var pace = RestartPace()
        _ = pauses(&pace, deaths: 4)
        #expect(pace.rest(at: start) == nil)

        let pause = pace.noteDeath(life: .zero, steps: 0, at: start)

        #expect(pause == .milliseconds(160))
        #expect(pace.rest(at: start) == .milliseconds(160))
        #expect(pace.rest(at: start.advanced(by: .seconds(5))) == .milliseconds(1))
        pace.noteStart()
        #expect(pace.rest(at: start) == nil)
        // A start alone makes nothing good: the next death stops them again, for longer.
        _ = pace.noteDeath(life: .seconds(1), steps: 3, at: start)
        #expect(pace.rest(at: start) == .milliseconds(320))
    }

    @Test(arguments: [(Duration.seconds(10), UInt64(0)), (.zero, 1000)])
    func aGoodLifeMakesTheNextDeathTheFirst(life: Duration, steps: UInt64) {
        var pace = RestartPace()
        _ = pauses(&pace, deaths: 7)
        pace.noteStart()

        let pause = pace.noteDeath(life: life, steps: steps, at: start)

        #expect(pause == .milliseconds(10))
        #expect(pace.deathsInARow == 1)
        #expect(pace.rest(at: start) == nil)
    }
}
