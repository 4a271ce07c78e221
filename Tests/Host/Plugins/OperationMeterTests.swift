import CGantryPlugin
import Glibc
import NIOCore
import NIOEmbedded
import Testing

@testable import HostPlugins

struct OperationMeterTests {
    @Test
    func everyStepOfAnOperationIsTimed() throws {
        let plugin = try ScriptedPlugin { step in
            guard step.event.kind == GANTRY_EV_TIMER else { return step.emit(GANTRY_CMD_WAIT) { $0.value = 5 } }
            usleep(2000)
            return step.result()
        }
        try withEmbeddedBench(plugin) { bench, loop in
            bench.start()
            loop.advanceTime(by: .milliseconds(10))

            let reading = bench.meters.reading
            #expect(bench.log.all == ["result {}"])
            #expect(reading.operations == 1)
            #expect(reading.failures == 0)
            #expect(reading.steps.count == 2)
            #expect(reading.steps.sumInNanoseconds >= 2_000_000)
            let longest = try #require(reading.steps.bound(of: 1))
            #expect(longest > 2_000_000)
        }
    }

    @Test
    func onlyWhatThePluginDidWrongIsItsFailure() throws {
        let plugin = try ScriptedPlugin { step in
            step.emit(GANTRY_CMD_ERROR) { $0.code = Int32(GANTRY_ERR_UPSTREAM_UNAVAILABLE) }
        }
        let silent = try ScriptedPlugin { _ in 0 }
        try withEmbeddedBench(plugin) { bench, _ in
            bench.start()

            #expect(bench.meters.reading.operations == 1)
            #expect(bench.meters.reading.failures == 0)
        }
        try withEmbeddedBench(silent) { bench, _ in
            bench.start()

            #expect(bench.log.all == ["failure pluginFailed"])
            #expect(bench.meters.reading.operations == 1)
            #expect(bench.meters.reading.failures == 1)
        }
    }
}
