import GantryPlugin
import PluginHarness
import Testing

struct OperationTests {
    private let harness: PluginHarness<SampleAdapter>

    init() throws { harness = try PluginHarness() }

    @Test
    func anAdaptersCallsBecomeCommandsAndEventsItsAnswers() throws {
        let probe = try Script.chat.run(harness)

        #expect(probe.lastStatus == 0)
        #expect(probe.commands.map { $0.kind } == [.token, .wait, .http, .output, .output, .output, .usage, .result])
        let http = try #require(probe.commands.first { $0.kind == .http })
        #expect(http.method == "POST")
        #expect(http.url == "https://sample.example/chat")
        #expect(http.code == 3)
        #expect(http.value == 1_000)
        #expect(http.flags == 4)
        #expect(http.header("authorization")?.value == "Bearer t0k3n")
        #expect(http.header("x-key") == ProbeCommand.Field(name: "X-Key", value: "k=", secret: "key"))
        #expect(
            http.body == [
                .bytes([0x7B]), .input(1..<18), .bytes([0x7D]), .source(offset: 1, length: 2),
                .secret("key", formEncoded: true),
            ]
        )
        #expect(probe.commands[0].text == "scope-1")
        #expect(probe.commands[1].value == 5)
        #expect(probe.commands[3].text == "first")
        #expect(
            probe.result == [
                "status": 200, "type": "text/event-stream", "model": "public", "request": "req-1",
                "references": ["public>private"],
            ]
        )
    }

    @Test
    func aTokenAndItsLifetimeAreTheResultOfACredential() throws {
        let probe = try harness.start(.credential, input: ["scope": "x"])

        #expect(probe.last?.data == Array("secret-token".utf8))
        #expect(probe.last?.value == 60_000)
    }

    @Test
    func linesArePulledOneByOneUntilTheyEnd() throws {
        let probe = try Script.lines.run(harness)

        #expect(probe.commands.map { $0.kind } == [.pull, .wait, .pull, .pull, .pull, .result])
        #expect(probe.result == [#"{"m":"a"} ["3 5..<8 a>b"]"#, " []", "x []"])
    }

    @Test
    func aPlaceOutsideOfItsLineIsTheHostsFault() throws {
        let probe = try harness.start(.inputCreate)
        let place = Reference(kind: .file, range: 1..<3, clientID: "a", upstreamID: "b")

        probe.line(SourceLine(bytes: [0x31, 0x32], references: [place]))

        #expect(probe.failure?.reason == .internalError)
    }

    @Test
    func theInputIsGoneAfterTheFirstAwait() throws {
        let probe = try harness.start(.fileGet)

        probe.head(status: 200)

        #expect(probe.failure?.reason == .internalError)
    }

    @Test
    func aResponseThatWentOnUnreadIsAFailureAndNotHalfABody() throws {
        let probe = try harness.start(.fileGet, streaming: true)

        probe.head(status: 200)
        probe.data("lost")
        probe.timer()

        #expect(probe.failure?.reason == .internalError)
    }

    @Test
    func anUnfinishedRequestIsAbortedByTheNext() throws {
        let probe = try harness.start(.fileDelete)
        probe.head(status: 200)
        let stale = probe.commands[0].request

        var late = ProbeEvent.data(Array("stale".utf8))
        late.request = stale
        probe.deliver(late)
        probe.respond(200, "fresh")

        #expect(probe.commands.map { $0.kind } == [.http, .abort, .http, .result])
        #expect(probe.commands[1].request == stale)
        #expect(probe.last?.data == Array("fresh".utf8))
    }

    @Test(arguments: [(UInt64(0), "abcdefghijklmno"), (1, "abcdefghij"), (2, "abcdefgh\ni")])
    func bodiesAreCollectedByTheirFramingAndRawOnesUpToALimit(framing: UInt64, expected: String) throws {
        let probe = try harness.start(.embed, sourceLength: framing)

        probe.head(status: 200)
        probe.data("abcdefgh")
        probe.data("ijklmno")
        probe.end()

        #expect(probe.last?.data == Array(expected.utf8))
        #expect(probe.commands.contains { $0.kind == .abort } == (framing > 0))
    }

    @Test
    func aRefusalIsADocumentWhateverFramingWasAskedFor() throws {
        let probe = try harness.start(.embed, sourceLength: 2)

        probe.head(status: 400)
        probe.data("{\"a")
        probe.data("\":1}")
        probe.end()

        #expect(probe.result == ["a": 1])
    }

    @Test(arguments: [
        (Int32(1), FailureReason.upstreamUnavailable, true, true), (2, .upstreamUnavailable, true, true),
        (3, .upstreamUnavailable, false, true), (4, .upstreamUnavailable, true, true),
        (5, .upstreamTimeout, true, true),
        (6, .upstreamProtocol, false, true), (7, .internalError, false, true), (99, .upstreamUnavailable, true, true),
    ])
    func networkFailuresHaveAClassAndFlags(code: Int32, reason: FailureReason, retry: Bool, fallBack: Bool) throws {
        for headFirst in [false, true] {
            let probe = try harness.start(.embed, sourceLength: 0)
            if headFirst { probe.head(status: 200) }

            probe.failed(code, "10.0.0.1:443")

            let failure = try #require(probe.failure)
            #expect(failure.reason == reason)
            #expect(failure.isRetryable == retry)
            #expect(failure.mayFallBack == fallBack)
            #expect(failure.message.contains("10.0.0.1:443"))
        }
    }

    @Test
    func nothingIsRepeatedOnceTheClientHasSeenSomething() throws {
        let piped = try harness.start(.fileContent)
        piped.head(status: 200)
        piped.failed(4)

        #expect(piped.commands.map { $0.kind } == [.http, .pipe, .error])
        #expect(piped.commands[1].headers == [ProbeCommand.Field(name: "X-Sample", value: "1", secret: "")])
        #expect(piped.failure?.isRetryable == false)
        #expect(piped.failure?.mayFallBack == false)
    }

    @Test
    func aFailedTokenIsAFailureOfItsClass() throws {
        let probe = try harness.start(.chat)

        probe.tokenFailed(.upstreamAuthentication, "refused")

        #expect(probe.failure == Failure(.upstreamAuthentication, "refused", mayFallBack: true))
    }

    @Test
    func anOperationStartsOnce() throws {
        let probe = try harness.start(.chat)

        probe.deliver(.start(input: []))

        #expect(probe.lastStatus == -3)
        #expect(probe.commands.count == 1)
    }

    @Test
    func placesOutsideOfTheInputFailTheOperation() throws {
        for range in [0..<19, 18..<19, 100..<200] {
            let reference = Reference(kind: .file, range: range, clientID: "c", upstreamID: "u")

            let probe = try harness.start(.chat, input: Array(#"{"model":"public"}"#.utf8), references: [reference])

            #expect(probe.failure?.reason == .internalError)
        }
    }

    @Test
    func kindsThatAreNotServedAreRefused() {
        #expect(throws: Failure.self) { try harness.makeOperation(.responses) }
        #expect(throws: Failure.self) { try harness.makeOperation(.fileList) }
    }

    @Test
    func aHostMaySwitchThreadsAndTasksBetweenSteps() async throws {
        let script = Script.chat
        let probe = try harness.makeOperation(script.kind)
        for event in script.events {
            probe.deliver(event)
            await Task.yield()
        }

        #expect(probe.last?.kind == .result)
    }
}
