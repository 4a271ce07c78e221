import HostUpstream
import NIOCore
import NIOEmbedded
import Testing

@testable import HostPlugins

struct LoopDeadlinesTests {
    /// Counts its calls; may do something at each.
    private final class Owner: DeadlineOwner {
        var calls = 0
        var action: () -> Void = {}

        func deadlinePassed() {
            calls += 1
            action()
        }
    }

    private static func withDeadlines(_ test: (LoopDeadlines, EmbeddedEventLoop) throws -> Void) throws {
        try withEmbeddedBench(try ScriptedPlugin { $0.result() }) { bench, loop in
            try test(bench.environment.upstream.deadlines(on: loop), loop)
        }
    }

    @Test
    func eachIsToldOnceAndNotBefore() throws {
        try Self.withDeadlines { deadlines, loop in
            let owners = (0..<3).map { _ in Owner() }
            _ = deadlines.set(in: .seconds(5), for: owners[0])
            _ = deadlines.set(in: .seconds(2), for: owners[1])
            loop.advanceTime(by: .seconds(1))
            _ = deadlines.set(in: .seconds(9), for: owners[2])

            loop.advanceTime(by: .milliseconds(999))
            #expect(owners.map(\.calls) == [0, 0, 0])
            loop.advanceTime(by: .milliseconds(1))
            #expect(owners.map(\.calls) == [0, 1, 0])
            loop.advanceTime(by: .seconds(3))
            #expect(owners.map(\.calls) == [1, 1, 0])
            loop.advanceTime(by: .seconds(5))
            #expect(owners.map(\.calls) == [1, 1, 1])
            loop.advanceTime(by: .hours(1))
            #expect(owners.map(\.calls) == [1, 1, 1])
        }
    }

    @Test
    func whatIsClearedIsForgottenAndItsPlaceUsedAgain() throws {
        try Self.withDeadlines { deadlines, loop in
            let (cleared, other) = (Owner(), Owner())
            weak var forgotten: Owner?
            do {
                let gone = Owner()
                forgotten = gone
                deadlines.clear(deadlines.set(in: .seconds(1), for: gone))
            }
            #expect(forgotten == nil)
            let place = deadlines.set(in: .seconds(1), for: cleared)
            deadlines.clear(place)
            _ = deadlines.set(in: .seconds(2), for: other)

            loop.advanceTime(by: .seconds(3))

            #expect(cleared.calls == 0)
            #expect(other.calls == 1)
        }
    }

    @Test
    func whoeverIsToldMayClearAndSetOthers() throws {
        try Self.withDeadlines { deadlines, loop in
            let (first, second, third) = (Owner(), Owner(), Owner())
            _ = deadlines.set(in: .seconds(1), for: first)
            let place = deadlines.set(in: .seconds(1), for: second)
            first.action = {
                deadlines.clear(place)
                _ = deadlines.set(in: .seconds(1), for: third)
            }

            loop.advanceTime(by: .seconds(1))
            #expect([first, second, third].map(\.calls) == [1, 0, 0])
            loop.advanceTime(by: .seconds(1))
            #expect([first, second, third].map(\.calls) == [1, 0, 1])
        }
    }
}
