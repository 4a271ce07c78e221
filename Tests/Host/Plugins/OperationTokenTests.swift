import CGantryPlugin
import HostCore
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import HostPlugins

struct OperationTokenTests {
    /// A plugin whose CREDENTIAL waits 100 ms and gives `token-N`, and whose other operations ask for one.
    private func plugin(
        lifetime: UInt64 = 60_000,
        fails: @escaping @Sendable (Int) -> Bool = { _ in false },
        fetches: EventLog
    ) throws -> ScriptedPlugin {
        let number = Mutex(0)
        return try ScriptedPlugin { step in
            switch (step.isCredential, step.event.kind) {
            case (true, GANTRY_EV_START):
                fetches.add(step.event.data)
                return step.emit(GANTRY_CMD_WAIT, value: 100)
            case (true, _):
                let count = number.withLock { number in
                    number += 1
                    return number
                }
                if fails(count) { return step.emit(GANTRY_CMD_ERROR, code: GANTRY_ERR_UPSTREAM_AUTH, data: "no") }
                return step.result("token-\(count)", value: lifetime)
            case (false, GANTRY_EV_START):
                return step.emit(GANTRY_CMD_TOKEN, text: "s")
            case (false, GANTRY_EV_CANCEL): return 0
            default:
                if step.event.code != 0 { return step.emit(GANTRY_CMD_ERROR, code: Int(step.event.code)) }
                return step.result(step.event.data)
            }
        }
    }

    @Test
    func manyOperationsShareOneRequestForAToken() throws {
        let fetches = EventLog()
        let plugin = try plugin(fetches: fetches)
        try withEmbeddedBench(plugin) { bench, loop in
            for _ in 0..<100 { bench.start() }
            #expect(bench.log.all == [])
            loop.advanceTime(by: .milliseconds(100))

            #expect(fetches.all == [#"{"scope":"s"}"#])
            #expect(bench.log.all == [String](repeating: "result token-1", count: 100))
            bench.start()
            #expect(fetches.all.count == 1)
            #expect(bench.log.all.count == 101)
        }
        #expect(plugin.counts.made == 102)
        #expect(plugin.counts.freed == 102)
    }

    @Test
    func aFailureReachesEveryWaiterAndIsNotKept() throws {
        let fetches = EventLog()
        let plugin = try plugin(fails: { $0 == 1 }, fetches: fetches)
        try withEmbeddedBench(plugin) { bench, loop in
            for _ in 0..<3 { bench.start() }
            loop.advanceTime(by: .milliseconds(100))
            bench.start()
            loop.advanceTime(by: .milliseconds(100))

            let failures = [String](repeating: "failure upstreamAuthentication", count: 3)
            #expect(bench.log.all == failures + ["result token-2"])
        }
    }

    @Test
    func anExpiredTokenIsFetchedAgain() throws {
        let fetches = EventLog()
        let plugin = try plugin(lifetime: 0, fetches: fetches)
        try withEmbeddedBench(plugin) { bench, loop in
            for _ in 0..<2 {
                bench.start()
                loop.advanceTime(by: .milliseconds(100))
            }

            #expect(bench.log.all == ["result token-1", "result token-2"])
        }
    }

    @Test
    func aRefusedTokenIsReplacedOnceForAllWhoHeldIt() throws {
        let fetches = Mutex(0)
        let plugin = try ScriptedPlugin { step in
            if step.isCredential {
                let count = fetches.withLock { count in
                    count += 1
                    return count
                }
                return step.result("t\(count)", value: 60_000)
            }
            switch step.event.kind {
            case GANTRY_EV_START: return step.emit(GANTRY_CMD_TOKEN, text: "s")
            case GANTRY_EV_TOKEN where step.event.data == "t1": return step.emit(GANTRY_CMD_WAIT, value: 10)
            case GANTRY_EV_TIMER: return step.emit(GANTRY_CMD_TOKEN, flags: GANTRY_TOKEN_REFRESH, text: "s")
            default: return step.result(step.event.data)
            }
        }
        try withEmbeddedBench(plugin) { bench, loop in
            for _ in 0..<10 { bench.start() }
            loop.advanceTime(by: .milliseconds(10))

            #expect(bench.log.all == [String](repeating: "result t2", count: 10))
            #expect(fetches.withLock { $0 } == 2)
        }
    }

    @Test
    func twoTokensMayBeAwaitedAtOnce() throws {
        let seen = Mutex(0)
        let plugin = try ScriptedPlugin { step in
            switch (step.isCredential, step.event.kind) {
            case (true, GANTRY_EV_START):
                return step.emit(GANTRY_CMD_WAIT, value: step.event.data.contains("slow") ? 200 : 100)
            case (true, _): return step.result("token", value: 60_000)
            case (false, GANTRY_EV_START):
                step.emit(GANTRY_CMD_TOKEN, text: "slow")
                return step.emit(GANTRY_CMD_TOKEN, text: "fast")
            default:
                let count = seen.withLock { seen in
                    seen += 1
                    return seen
                }
                return count == 2 ? step.result() : 0
            }
        }
        try withEmbeddedBench(plugin) { bench, loop in
            bench.start()
            loop.advanceTime(by: .milliseconds(100))
            #expect(bench.log.all == [])
            loop.advanceTime(by: .milliseconds(100))
            #expect(bench.log.all == ["result {}"])
        }
    }

    @Test(arguments: ["", "with space", "line\nfeed", "é"])
    func aTokenThatCannotStandInAHeaderIsAFailure(token: String) throws {
        let plugin = try ScriptedPlugin { step in
            if step.isCredential { return step.result(token, value: 60_000) }
            return step.event.kind == GANTRY_EV_START
                ? step.emit(GANTRY_CMD_TOKEN, text: "s") : step.result("\(step.event.code)")
        }
        try withEmbeddedBench(plugin) { bench, _ in
            bench.start()

            #expect(bench.log.all == ["result \(GANTRY_ERR_UPSTREAM_PROTOCOL)"])
        }
    }

    @Test
    func whoeverBeganARequestForATokenMayLeaveWithoutHarmToOthers() throws {
        let fetches = EventLog()
        let plugin = try plugin(fetches: fetches)
        try withEmbeddedBench(plugin) { bench, loop in
            let first = bench.start()
            bench.start()
            first.cancel()
            loop.advanceTime(by: .milliseconds(100))

            #expect(bench.log.all == ["failure cancelled", "result token-1"])
            #expect(fetches.all.count == 1)
        }
        #expect(plugin.counts.freed == 3)
        #expect(plugin.counts.faults == 0)
    }

    @Test
    func inventedScopesDoNotFillTheMemory() {
        let cache = CredentialCache()
        let loop = EmbeddedEventLoop()
        for number in 0..<1000 {
            let promise = loop.makePromise(of: String.self)
            _ = cache.token(scope: "\(number)", stale: nil, waiter: promise)
            cache.finish(.success(("t", .seconds(60))), scope: "\(number)")
        }

        #expect(cache.count <= 65)
    }
}
