import GantryPlugin
import PluginHarness
import Testing

struct RelayTests {
    private let harness: PluginHarness<SampleAdapter>

    init() throws { harness = try PluginHarness() }

    @Test
    func aSuccessIsPipedAndItsEndIsTheOperations() throws {
        let probe = try harness.start(.probe)

        probe.head(status: 206)
        #expect(probe.commands.map(\.kind) == [.http, .pipe])
        probe.end()

        #expect(probe.commands.map(\.kind) == [.http, .pipe, .result])
        #expect(probe.result == [:])
    }

    @Test(arguments: [Int32(199), 300, 409, 500])
    func anythingElseIsReadAndSaysWhyItFailed(status: Int32) throws {
        let probe = try harness.start(.probe)

        probe.head(status: status)
        probe.data("not ")
        #expect(probe.commands.count == 1)
        probe.data("now")
        probe.end()

        #expect(probe.commands.count == 2)
        #expect(probe.failure?.reason == .conflict)
        #expect(probe.failure?.message == "not now")
    }

    @Test(arguments: 0..<3)
    func theClientMayGoAtAnyTime(events: Int) throws {
        let probe = try harness.start(.probe)
        if events > 0 { probe.head(status: 409) }
        if events > 1 { probe.data("no") }

        probe.cancel()

        #expect(probe.commands.map(\.kind) == [.http, .error])
        #expect(probe.failure?.reason == .cancelled)
        #expect(probe.end().isEmpty)
    }

    @Test
    func aConnectionThatBreaksMayBeRepeatedOnlyBeforeTheClientHasBytes() throws {
        let early = try harness.start(.probe)
        early.deliver(.failed(4))

        let late = try harness.start(.probe)
        late.head(status: 200)
        late.deliver(.failed(4))

        #expect(early.failure?.reason == .upstreamUnavailable)
        #expect(early.failure?.isRetryable == true)
        #expect(late.failure?.reason == .upstreamUnavailable)
        #expect(late.failure?.isRetryable == false)
        #expect(late.failure?.mayFallBack == false)
    }

    @Test
    func aResponseWithoutAHeadIsNone() throws {
        let probe = try harness.start(.probe)

        probe.end()

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test
    func bytesBeforeTheHeadAreNotLostInSilence() throws {
        let probe = try harness.start(.probe)

        probe.data("x")
        probe.head(status: 200)

        #expect(probe.commands.map(\.kind) == [.http, .error])
        #expect(probe.failure?.reason == .internalError)
    }
}
