import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct ResponsesStreamTests {
    @Test(arguments: Fixture.all("streams") + Fixture.all("responses-streams"))
    func eventsBecomeTheEventsOfAResponse(fixture: Fixture) throws {
        let events = try Self.events(of: fixture)

        #expect(try JSON.array(events).canonical.text == fixture.json("response-events").canonical.text)
    }

    @Test(arguments: Fixture.all("streams") + Fixture.all("responses-streams"))
    func eventsAreNamedAndNumbered(fixture: Fixture) throws {
        let events = try Self.events(of: fixture)

        let names = events.map(ResponsesStream.eventName)
        #expect(names.prefix(2) == ["response.created", "response.in_progress"])
        #expect(["response.completed", "response.incomplete", "response.failed"].contains(names.last))
        #expect(events.compactMap { $0["sequence_number"]?.integer } == (0..<Int64(events.count)).map { $0 })
    }

    @Test(arguments: Fixture.all("responses-streams"))
    func aStreamEndsWithWhatAWholeAnswerWouldBe(fixture: Fixture) throws {
        let last = try #require(try Self.events(of: fixture).last?["response"])

        let items = try #require(last["output"]?.array)

        let done = try Self.events(of: fixture).filter { $0["type"] == "response.output_item.done" }
        #expect(done.compactMap { $0["item"] } == items)
        #expect(done.compactMap { $0["output_index"]?.integer } == (0..<Int64(items.count)).map { $0 })
        let deltas = try Self.events(of: fixture).compactMap { event in
            event["type"] == "response.output_text.delta" ? event["delta"]?.string : nil
        }
        let texts = items.compactMap { $0["content"]?.array?.first?["text"]?.string }
        #expect(deltas.joined() == texts.joined())
    }

    @Test(
        arguments: [
            [], [#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#], [#"{"usageMetadata":{}}"#],
            [#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#],
            [#"{"candidates":[{"index":1,"finishReason":"STOP"}]}"#],
            [
                #"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#,
                #"{"promptFeedback":{"blockReason":"SAFETY"}}"#,
            ],
        ]
    )
    func aStreamThatEndsBeforeTheAnswerIsAFailure(events: [String]) throws {
        var stream = ResponsesStream(echo: ResponseEcho(), identity: .fixed)
        for event in events { _ = try stream.consume(Array(event.utf8)) }

        let failure = #expect(throws: Failure.self) { try stream.finish() }

        #expect(failure?.reason == .upstreamProtocol)
    }

    @Test
    func nothingGoesOutBeforeTheAnswerBegins() throws {
        var stream = ResponsesStream(echo: ResponseEcho(), identity: .fixed)
        let thought = #"{"candidates":[{"content":{"parts":[{"text":"hmm","thought":true},{"text":""}]}}]}"#

        let early = try stream.consume(Array(thought.utf8)) + stream.consume(Array(#"{"usageMetadata":{}}"#.utf8))
        let first = try stream.consume(Array(#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#.utf8))

        #expect(early.isEmpty)
        #expect(first.first?["type"] == "response.created")
    }

    @Test(
        arguments: [
            (
                #"{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}"#,
                FailureReason.upstreamUnavailable
            ),
            (#"[{"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED"}}]"#, .rateLimit),
            (#"{"error":{}}"#, .upstreamUnavailable), (#"{"error":"#, .upstreamProtocol), ("7", .upstreamProtocol),
            ("", .upstreamProtocol),
        ]
    )
    func anErrorInTheStreamEndsIt(event: String, reason: FailureReason) throws {
        var stream = ResponsesStream(echo: ResponseEcho(), identity: .fixed)

        let failure = #expect(throws: Failure.self) { try stream.consume(Array(event.utf8)) }

        #expect(failure?.reason == reason)
    }

    @Test
    func theLengthOfAnAnswerIsBounded() throws {
        var stream = ResponsesStream(echo: ResponseEcho(), identity: .fixed)
        let text = String(repeating: "a", count: 1 << 20)
        let event = Array(#"{"candidates":[{"content":{"parts":[{"text":"\#(text)"}]}}]}"#.utf8)
        for _ in 0..<ResponseOutput.byteLimit >> 20 { _ = try stream.consume(event) }

        let failure = #expect(throws: Failure.self) { try stream.consume(event) }

        #expect(failure?.reason == .upstreamProtocol)
    }

    @Test
    func manySmallPartsOfAnEventAreOneStep() throws {
        var stream = ResponsesStream(echo: ResponseEcho(), identity: .fixed)
        let parts = Array(repeating: #"{"text":"a"}"#, count: 10_000).joined(separator: ",")

        let events = try stream.consume(Array(#"{"candidates":[{"content":{"parts":[\#(parts)]}}]}"#.utf8))

        #expect(events.count == 5)
        #expect(events.last?["delta"]?.string?.utf8.count == 10_000)
    }

    private static func events(of fixture: Fixture) throws -> [JSON] {
        var stream = ResponsesStream(echo: try fixture.responseEcho(), identity: .fixed)
        var events: [JSON] = []
        for event in try fixture.json("events").array ?? [] { events += try stream.consume(event.serialized()) }
        return try events + stream.finish()
    }
}
