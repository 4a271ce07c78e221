import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct ResponsesOperationTests {
    private static let request: JSON = ["model": "gemini", "input": "Hi", "metadata": ["run": "7"]]
    private static let answer = """
        {"candidates":[{"content":{"parts":[{"text":"Hello"}]},"finishReason":"STOP"}],"responseId":"r1",
        "modelVersion":"gemini-2.0-flash-001","usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}
        """

    @Test
    func aResponseIsOneAuthorizedCallAndNothingIsKept() throws {
        let probe = try Deployment.harness().start(.responses, input: Self.request)

        let call = try #require(probe.token("t0ken").first)
        let ends = probe.respond(200, Self.answer)

        #expect(
            call.url
                == "https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/locations/us-central1"
                + "/publishers/google/models/gemini-2.0-flash:generateContent"
        )
        #expect(call.header("authorization")?.value == "Bearer t0ken")
        #expect(call.bodyText() == #"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#)
        #expect(probe.commands.map(\.kind) == [.token, .http, .remember, .usage, .result])
        let unstored = try #require(probe.commands.first { $0.kind == .remember })
        #expect(unstored.text == "unstored_response")
        #expect(ends.first { $0.kind == .usage }?.json?["total_tokens"]?.integer == 3)
        let response = try #require(probe.result)
        #expect(response["id"]?.string?.hasPrefix("resp_") == true)
        #expect(response["id"]?.string == String(decoding: unstored.data, as: UTF8.self))
        #expect(response["store"] == false)
        #expect(response["metadata"] == ["run": "7"])
        #expect(response["created_at"]?.integer == 1_795_305_600)
        #expect(response["output"]?.array?.first?["content"]?.array?.first?["text"] == "Hello")
    }

    @Test
    func aStreamIsPassedOnEventByEvent() throws {
        let probe = try Deployment.harness().start(.responses, input: Self.request, streaming: true)
        let call = try #require(probe.token("t").first)
        probe.head(status: 200)

        let first = probe.data(#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#)
        let second = probe.data(#"{"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP"}]}"#)
        let ends = probe.end()

        #expect(probe.commands.map(\.kind).prefix(4) == [.token, .http, .remember, .output])
        #expect(call.url.hasSuffix(":streamGenerateContent?alt=sse"))
        #expect(
            first.map(\.text) == [
                "response.created", "response.in_progress", "response.output_item.added",
                "response.content_part.added", "response.output_text.delta",
            ]
        )
        #expect(second.map(\.text) == ["response.output_text.delta"])
        #expect(
            ends.filter { $0.kind == .output }.map(\.text) == [
                "response.output_text.done", "response.content_part.done", "response.output_item.done",
                "response.completed",
            ]
        )
        let outputs = probe.commands.filter { $0.kind == .output }
        #expect(outputs.allSatisfy { $0.json?["type"]?.string == $0.text })
        #expect(Set(outputs.compactMap { $0.json?["response"]?["id"]?.string }).count == 1)
        #expect(probe.result == [:])
    }

    @Test
    func anErrorInTheMiddleOfAStreamFailsTheOperation() throws {
        let probe = try Deployment.harness().start(.responses, input: Self.request, streaming: true)
        probe.token("t")
        probe.head(status: 200)
        probe.data(#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#)

        probe.data(#"{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}"#)

        #expect(probe.failure?.reason == .upstreamUnavailable)
        #expect(probe.failure?.message.contains("Overloaded.") == true)
    }

    @Test
    func aStreamThatBreaksOffFailsTheOperation() throws {
        let probe = try Deployment.harness().start(.responses, input: Self.request, streaming: true)
        probe.token("t")
        probe.head(status: 200)
        probe.data(#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#)

        probe.end()

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(arguments: [true, false])
    func aRequestThatIsRefusedIsNeverSent(isStreaming: Bool) throws {
        let probe = try Deployment.harness()
            .start(.responses, input: ["model": "m", "input": "x", "store": true], streaming: isStreaming)

        #expect(probe.commands.map(\.kind) == [.error])
        #expect(probe.failure?.reason == .unsupported)
        #expect(probe.failure?.parameter == "store")
    }

    @Test(arguments: ["<html>", "", "[", "[]", "7", #"{"candidates":7}"#])
    func anAnswerThatIsNotGeminisIsAFailure(body: String) throws {
        let probe = try Deployment.harness().start(.responses, input: Self.request)
        probe.token("t")

        probe.respond(200, body)

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test
    func anErrorOfTheProvidersIsAFailure() throws {
        let probe = try Deployment.harness().start(.responses, input: Self.request, streaming: true)
        probe.token("t")

        probe.respond(429, #"{"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED"}}"#)

        #expect(probe.failure?.reason == .rateLimit)
        #expect(probe.failure?.isRetryable == true)
    }
}
