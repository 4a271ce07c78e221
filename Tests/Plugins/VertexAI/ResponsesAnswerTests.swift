import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct ResponsesAnswerTests {
    @Test(arguments: Fixture.all("answers") + Fixture.all("responses-answers"))
    func anAnswerBecomesAResponse(fixture: Fixture) throws {
        let answer = try ResponsesAnswer(
            fixture.json("upstream"),
            echo: fixture.responseEcho(),
            identity: .fixed
        )

        #expect(try answer.body.canonical.text == fixture.json("response").canonical.text)
        #expect((answer.usage ?? .null) == answer.body["usage"])
    }

    @Test(
        arguments: [
            #"{}"#, #"{"candidates":[]}"#, #"{"promptFeedback":{}}"#,
            #"{"candidates":[{"index":1,"finishReason":"STOP"}]}"#,
        ]
    )
    func anAnswerWithoutCandidateAndReasonIsAFailure(answer: String) throws {
        let failure = try #require(
            #expect(throws: Failure.self) {
                try ResponsesAnswer(JSON(text: answer), echo: ResponseEcho(), identity: .fixed)
            }
        )

        #expect(failure.reason == .upstreamProtocol)
        #expect(failure.isRetryable)
    }

    @Test(arguments: ["inlineData", "fileData", "executableCode", "codeExecutionResult"])
    func whatAResponseCannotCarryIsAFailure(kind: String) throws {
        let answer = try JSON(text: #"{"candidates":[{"content":{"parts":[{"\#(kind)":{}}]},"finishReason":"STOP"}]}"#)

        let failure = #expect(throws: Failure.self) {
            try ResponsesAnswer(answer, echo: ResponseEcho(), identity: .fixed)
        }

        #expect(failure?.reason == .upstreamProtocol)
        #expect(failure?.message.contains("a response cannot carry") == true)
    }

    @Test
    func anErrorInsteadOfAnAnswerIsAFailure() throws {
        let answer = try JSON(text: #"{"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED"}}"#)

        let failure = #expect(throws: Failure.self) {
            try ResponsesAnswer(answer, echo: ResponseEcho(), identity: .fixed)
        }

        #expect(failure?.reason == .rateLimit)
    }

    @Test
    func theNumberOfItemsIsBounded() throws {
        let calls = (0...ResponseOutput.itemLimit).map { _ in #"{"functionCall":{"name":"f"}}"# }
        let answer = try JSON(
            text: #"{"candidates":[{"content":{"parts":[\#(calls.joined(separator: ","))]},"finishReason":"STOP"}]}"#
        )

        let failure = #expect(throws: Failure.self) {
            try ResponsesAnswer(answer, echo: ResponseEcho(), identity: .fixed)
        }

        #expect(failure?.reason == .upstreamProtocol)
    }
}
