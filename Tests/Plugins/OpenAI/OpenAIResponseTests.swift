import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

struct OpenAIResponseTests {
    private static let input = Array(
        #"{"model":"public","previous_response_id":"resp_gantry","input":[{"file_id":"file-gantry"}],"x":1}"#.utf8
    )
    private static let spliced =
        #"{"model":"gpt-4o-mini","previous_response_id":"resp_1","input":[{"file_id":"file-1"}],"x":1}"#
    private static let response = #"{"id":"resp_2","object":"response","store":true,"output":[], "x":1.50}"#
    private static let url = "https://api.openai.com/v1/responses"

    private let harness: PluginHarness<OpenAIAdapter>

    init() throws { harness = try .standard() }

    private func start(streaming: Bool = false) throws -> OperationProbe {
        let places: [(Reference.Kind, String, String)] = [
            (.model, "public", "gpt-4o-mini"), (.response, "resp_gantry", "resp_1"), (.file, "file-gantry", "file-1"),
        ]
        let references = try places.map { kind, name, upstream in
            let quoted = Array("\"\(name)\"".utf8)
            let start = try #require(Self.input.indices.first { Self.input[$0...].starts(with: quoted) })
            return Reference(kind: kind, range: start..<(start + quoted.count), clientID: name, upstreamID: upstream)
        }
        return try harness.start(.responses, input: Self.input, references: references, streaming: streaming)
    }

    @Test
    func anAnswerIsRememberedAndHandedOnByteForByte() throws {
        let probe = try start()
        let request = try #require(probe.last)
        probe.respond(200, Self.response)

        #expect(request.method == "POST")
        #expect(request.url == Self.url)
        #expect(request.code == 0)
        #expect(request.bodyText(input: Self.input) == Self.spliced)
        #expect(probe.commands.map { $0.kind } == [.http, .remember, .result])
        #expect(probe.commands[1].text == "response")
        #expect(probe.commands[1].data == Array("resp_2".utf8))
        #expect(probe.last?.data == Array(Self.response.utf8))
    }

    @Test(
        arguments: [(#"{"id":"r","store":false}"#, "unstored_response"), (#"{"id":"r"}"#, "response")]
    )
    func aResponseThatIsNotKeptIsToldApart(body: String, kind: String) throws {
        let probe = try start()

        probe.respond(200, body)

        #expect(probe.commands[1].kind == .remember)
        #expect(probe.commands[1].text == kind)
    }

    @Test(arguments: ["", "null", "[]", "{}", "<html>", #"{"id":""}"#, #"{"id":7}"#, #"{"id":"r""#])
    func garbageIsAProtocolFailure(body: String) throws {
        let probe = try start()

        probe.respond(200, body)

        #expect(probe.failure?.reason == .upstreamProtocol)
        #expect(probe.commands.map { $0.kind } == [.http, .error])
    }

    // MARK: Streams

    private static let created = #"{"type":"response.created", "response":{"id":"resp_2","store":true}}"#

    private func beginStream(
        _ first: String = Self.created,
        event: String = "response.created"
    ) throws
        -> OperationProbe
    {
        let probe = try start(streaming: true)
        probe.head(status: 200)
        probe.data(first, event: event)
        return probe
    }

    @Test
    func everyEventIsHandedOnByteForByteUnderItsName() throws {
        let probe = try start(streaming: true)
        let request = try #require(probe.last)
        let events = [
            ("response.created", Self.created), ("response.output_text.delta", #"{"delta" : "a\u00e9"}"#),
            ("", "[DONE]"), ("response.completed", "not looked at"), ("late", "{}"),
        ]
        probe.head(status: 200)
        for (name, data) in events { probe.data(data, event: name) }
        probe.end()

        #expect(request.code == 3)
        #expect(request.bodyText(input: Self.input) == Self.spliced)
        #expect(
            probe.commands.map { $0.kind }
                == [.http, .remember] + events.map { _ in ProbeCommand.Kind.output } + [.result]
        )
        #expect(probe.commands[1].data == Array("resp_2".utf8))
        for (command, (name, data)) in zip(probe.commands.dropFirst(2), events) {
            #expect(command.text == name)
            #expect(command.data == Array(data.utf8))
        }
        #expect(probe.result == [:])
    }

    @Test
    func aStreamThatIsNotKeptIsToldApart() throws {
        let probe = try beginStream(#"{"response":{"id":"r","store":false}}"#)

        #expect(probe.commands[1].text == "unstored_response")
        #expect(probe.commands[2].kind == .output)
    }

    @Test(
        arguments: [
            (#"{"type":"error","code":"rate_limit_exceeded","message":"Slow"}"#, "error", .rateLimit, "Slow"),
            (#"{"type":"error","code":"server_error","message":"Sorry"}"#, "error", .upstreamUnavailable, "Sorry"),
            (#"{"type":"error","code":null,"message":"Bad","param":"input"}"#, "error", .invalid, "Bad"),
            (#"{"error":{"message":"Bad","type":"server_error"}}"#, "", .upstreamUnavailable, "Bad"),
        ] as [(String, String, FailureReason, String)]
    )
    func anErrorAtTheBeginningIsTheAnswer(data: String, event: String, reason: FailureReason, message: String) throws {
        let probe = try beginStream(data, event: event)

        #expect(probe.failure?.reason == reason)
        #expect(probe.failure?.message == message)
        #expect(!probe.commands.contains { $0.kind == .output || $0.kind == .remember })
    }

    @Test(arguments: [#"{"type":"response.created"}"#, #"{"response":{}}"#, #"{"response":"r"}"#, "x", "[DONE]"])
    func aStreamMustBeginWithAResponse(data: String) throws {
        for event in ["response.created", ""] {
            let probe = try beginStream(data, event: event)

            #expect(probe.failure?.reason == .upstreamProtocol)
            #expect(!probe.commands.contains { $0.kind == .output || $0.kind == .remember })
        }
    }

    @Test
    func anErrorInTheMiddleIsTheClients() throws {
        let probe = try beginStream()
        let error = #"{"type":"error","message":"Sorry"}"#
        probe.data(error, event: "error")
        probe.end()

        #expect(probe.commands.map { $0.kind } == [.http, .remember, .output, .output, .result])
        #expect(probe.commands[3].data == Array(error.utf8))
    }

    @Test
    func aStreamThatEndsTooSoonHasFailed() throws {
        let cut = try beginStream()
        cut.end()
        #expect(cut.failure?.reason == .upstreamUnavailable)
        #expect(cut.failure?.isRetryable == false)

        let broken = try beginStream()
        broken.failed(4, "reset")
        #expect(broken.failure?.reason == .upstreamUnavailable)
        #expect(broken.failure?.isRetryable == false)

        let empty = try start(streaming: true)
        empty.respond(200)
        #expect(empty.failure?.reason == .upstreamProtocol)

        let nameless = try beginStream(event: "")
        nameless.end()
        #expect(nameless.result == [:])
    }

    @Test
    func aRefusalIsReadAsOne() throws {
        for streaming in [false, true] {
            let probe = try start(streaming: streaming)
            let body = Fixtures.error("Gone", code: "previous_response_not_found", param: "previous_response_id")
            probe.respond(400, body)

            #expect(probe.failure?.reason == .invalid)
            #expect(probe.failure?.parameter == "previous_response_id")
            #expect(probe.commands.map { $0.kind } == [.http, .error])
        }
    }

    @Test
    func aRefusalNamesWhatTheClientNamed() throws {
        let probe = try start()
        probe.respond(400, Fixtures.error("No resp_1 with file-1 for gpt-4o-mini"))

        #expect(probe.failure?.message == "No resp_gantry with file-gantry for gpt-4o-mini")
    }

    @Test
    func aCancelledOperationSaysNothingMore() throws {
        for events in 0...4 {
            let probe = try start(streaming: true)
            if events > 0 { probe.head(status: 200) }
            if events > 1 { probe.data(Self.created, event: "response.created") }
            for _ in 2..<max(events, 2) { probe.data("{}", event: "x") }
            let before = probe.commands.count
            probe.cancel()

            #expect(probe.commands.count == before + 1)
            #expect(probe.failure?.reason == .cancelled)
        }
    }

    // MARK: Responses that exist

    private static let byID: [(OperationKind, String, String)] = [
        (.responseGet, "GET", ""), (.responseCancel, "POST", "/cancel"),
    ]

    @Test(arguments: byID)
    func aResponseIsHandedOnByteForByte(kind: OperationKind, method: String, suffix: String) throws {
        let probe = try harness.start(kind, input: ["id": "resp_2"])
        let request = try #require(probe.last)
        probe.respond(200, Self.response)

        #expect(request.method == method)
        #expect(request.url == Self.url + "/resp_2" + suffix)
        #expect(probe.commands.map { $0.kind } == [.http, .result])
        #expect(probe.last?.data == Array(Self.response.utf8))
    }

    @Test(arguments: byID)
    func wrongIDsAndGarbageAreRefused(kind: OperationKind, method: String, suffix: String) throws {
        for body in ["", "[]", "{}", #"{"id":"resp_3"}"#] {
            let probe = try harness.start(kind, input: ["id": "resp_2"])
            probe.respond(200, body)
            #expect(probe.failure?.reason == .upstreamProtocol)
        }
        for kind in [kind, .responseItems, .responseDelete] {
            for id in ["", ".", ".."] {
                #expect(try harness.start(kind, input: ["id": .string(id)]).failure?.reason == .notFound)
            }
            #expect(try harness.start(kind, input: ["id": "a/b?"]).last?.url.contains("/a%2Fb%3F") == true)
        }
    }

    @Test(
        arguments: [
            ("", ""), ("include[]=a&include%5B%5D=b", "?include%5B%5D=a&include%5B%5D=b"),
            ("starting_after=3&x=a+b%20c", "?starting_after=3&x=a+b%20c"),
            ("a=%&b=%4&c=%zz&d=#e f\r\ng", "?a=%25&b=%254&c=%25zz&d=%23e%20f%0D%0Ag"), ("é/?", "?%C3%A9%2F%3F"),
        ]
    )
    func theClientsQueryIsPassedOn(query: String, sent: String) throws {
        for (kind, suffix) in [(OperationKind.responseGet, ""), (.responseItems, "/input_items")] {
            let probe = try harness.start(kind, input: ["id": "resp_2", "query": .string(query)])

            #expect(probe.last?.url == Self.url + "/resp_2" + suffix + sent)
            #expect(probe.last?.code == 0)
        }
    }

    @Test
    func aResponseIsStreamedAgain() throws {
        let probe = try harness.start(.responseGet, input: ["id": "resp_2", "query": "stream=true&starting_after=3"])
        let request = try #require(probe.last)
        probe.head(status: 200)
        probe.data(#"{"sequence_number":4}"#, event: "response.output_text.delta")
        probe.data("{}", event: "response.completed")
        probe.end()

        #expect(request.code == 3)
        #expect(request.url == Self.url + "/resp_2?stream=true&starting_after=3")
        #expect(probe.commands.map { $0.kind } == [.http, .output, .output, .result])
    }

    @Test
    func theItemsAreHandedOnByteForByte() throws {
        let body = #"{"object":"list", "data":[{"id":"msg_1"}],"has_more":false}"#
        let probe = try harness.start(.responseItems, input: ["id": "resp_2", "query": "limit=1"])
        probe.respond(200, body)
        #expect(probe.last?.data == Array(body.utf8))

        let broken = try harness.start(.responseItems, input: ["id": "resp_2"])
        broken.respond(200, #"{"data":7}"#)
        #expect(broken.failure?.reason == .upstreamProtocol)
    }

    @Test(
        arguments: [(200, #"{"id":"resp_2","deleted":true}"#), (404, Fixtures.error("Gone"))] as [(Int32, String)]
    )
    func aResponseThatIsGoneIsForgotten(status: Int32, body: String) throws {
        let probe = try harness.start(.responseDelete, input: ["id": "resp_2"])
        probe.respond(status, body)

        #expect(probe.commands.map { $0.kind } == [.http, .forget, .result])
        #expect(probe.commands[0].method == "DELETE")
        #expect(probe.commands[1].text == "response")
        #expect(probe.commands[1].data == Array("resp_2".utf8))
        #expect(probe.result == [:])
    }

    @Test(arguments: [(200, #"{"deleted":false}"#), (200, "x"), (500, "")] as [(Int32, String)])
    func aResponseThatMayStillBeThereIsNotForgotten(status: Int32, body: String) throws {
        let probe = try harness.start(.responseDelete, input: ["id": "resp_2"])
        probe.respond(status, body)

        #expect(probe.commands.map { $0.kind } == [.http, .error])
    }
}
