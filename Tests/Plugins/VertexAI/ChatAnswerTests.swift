import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct ChatAnswerTests {
    @Test(arguments: Fixture.all("answers"))
    func anAnswerBecomesAChatCompletion(fixture: Fixture) throws {
        let answer = try ChatAnswer(fixture.json("upstream"), identity: .fixed)

        #expect(try answer.body.canonical.text == fixture.json("expected").canonical.text)
        #expect(answer.usage == answer.body["usage"])
    }

    @Test(arguments: [#"{}"#, #"{"candidates":[]}"#, #"{"promptFeedback":{}}"#])
    func anAnswerWithoutCandidateAndReasonIsAFailure(answer: String) throws {
        let failure = try #require(
            #expect(throws: Failure.self) { try ChatAnswer(JSON(text: answer), identity: .fixed) }
        )

        #expect(failure.reason == .upstreamProtocol)
        #expect(failure.isRetryable)
    }

    @Test(arguments: ["inlineData", "fileData", "executableCode", "codeExecutionResult"])
    func whatAChatCompletionCannotCarryIsAFailure(kind: String) throws {
        let answer = try JSON(text: #"{"candidates":[{"content":{"parts":[{"\#(kind)":{}}]},"finishReason":"STOP"}]}"#)

        let failure = #expect(throws: Failure.self) { try ChatAnswer(answer, identity: .fixed) }

        #expect(failure?.reason == .upstreamProtocol)
    }

    @Test
    func hugeCountsDoNotOverflow() throws {
        let usage = try #require(
            try TokenUsage(
                JSON(
                    text: #"{"promptTokenCount":9223372036854775807,"toolUsePromptTokenCount":9223372036854775807,"#
                        + #""candidatesTokenCount":-5,"thoughtsTokenCount":1e300}"#
                )
            )
        )

        #expect(usage.prompt == 2 << 50)
        #expect(usage.answer == 0)
        #expect(usage.thoughts == 0)
    }
}

struct ChatStreamTests {
    @Test(arguments: Fixture.all("streams"))
    func eventsBecomeChunks(fixture: Fixture) throws {
        let includesUsage = try fixture.optionalJSON("options")?["include_usage"]?.bool ?? false
        var stream = ChatStream(identity: .fixed, includesUsage: includesUsage)

        var chunks: [JSON] = []
        for event in try fixture.json("events").array ?? [] { chunks += try stream.consume(event.serialized()) }
        chunks += try stream.finish()

        #expect(try JSON.array(chunks).canonical.text == fixture.json("expected").canonical.text)
    }

    @Test(
        arguments: [
            [], [#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#], [#"{"usageMetadata":{}}"#],
            [#"{"candidates":[{"index":0,"finishReason":"STOP"},{"index":1,"content":{"parts":[{"text":"x"}]}}]}"#],
        ]
    )
    func aStreamThatEndsBeforeTheAnswerIsAFailure(events: [String]) throws {
        var stream = ChatStream(identity: .fixed, includesUsage: false)
        for event in events { _ = try stream.consume(Array(event.utf8)) }

        let failure = #expect(throws: Failure.self) { try stream.finish() }

        #expect(failure?.reason == .upstreamProtocol)
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
        var stream = ChatStream(identity: .fixed, includesUsage: false)

        let failure = #expect(throws: Failure.self) { try stream.consume(Array(event.utf8)) }

        #expect(failure?.reason == reason)
    }

    @Test
    func theNumberOfChoicesIsBounded() throws {
        var stream = ChatStream(identity: .fixed, includesUsage: false)
        let candidates = (0..<200).map { #"{"index":\#($0),"finishReason":"STOP"}"# }.joined(separator: ",")

        let failure = #expect(throws: Failure.self) {
            try stream.consume(Array(#"{"candidates":[\#(candidates)]}"#.utf8))
        }

        #expect(failure?.reason == .upstreamProtocol)
    }
}
