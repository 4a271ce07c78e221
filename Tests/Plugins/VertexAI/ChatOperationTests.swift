import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct ChatOperationTests {
    private static let request: JSON = ["model": "gemini", "messages": [["role": "user", "content": "Hi"]]]
    private static let answer = """
        {"candidates":[{"content":{"parts":[{"text":"Hello"}]},"finishReason":"STOP"}],"responseId":"r1",
        "modelVersion":"gemini-2.0-flash-001","usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}
        """

    @Test
    func aChatIsOneAuthorizedCall() throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request)

        let tokenCommand = try #require(probe.last)
        let call = try #require(probe.token("t0ken").first)
        let ends = probe.respond(200, Self.answer)

        #expect(tokenCommand.kind == .token)
        #expect(tokenCommand.text == "https://www.googleapis.com/auth/cloud-platform")
        #expect(call.kind == .http)
        #expect(call.method == "POST")
        #expect(
            call.url
                == "https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/locations/us-central1"
                + "/publishers/google/models/gemini-2.0-flash:generateContent"
        )
        #expect(call.header("authorization")?.value == "Bearer t0ken")
        #expect(call.header("x-goog-user-project") == nil)
        #expect(call.bodyText() == #"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#)
        #expect(ends.map(\.kind) == [.usage, .result])
        #expect(ends.first?.json?["total_tokens"]?.integer == 3)
        #expect(probe.result?["choices"]?.array?.first?["message"]?["content"] == "Hello")
        #expect(probe.result?["created"]?.integer == 1_795_305_600)
    }

    @Test
    func aStreamIsPassedOnEventByEvent() throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request, streaming: true)
        let call = try #require(probe.token("t").first)
        probe.head(status: 200)

        let first = probe.data(#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#)
        let second = probe.data(#"{"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP"}]}"#)
        let ends = probe.end()

        #expect(call.url.hasSuffix(":streamGenerateContent?alt=sse"))
        #expect(call.code == HTTPRequest.Framing.serverSentEvents.rawValue)
        #expect(first.map(\.kind) == [.output])
        #expect(first.first?.json?["choices"]?.array?.first?["delta"]?["content"] == "Hel")
        #expect(second.map(\.kind) == [.output])
        #expect(ends.map(\.kind) == [.output, .result])
        #expect(probe.result == [:])
        let ids = Set(probe.commands.filter { $0.kind == .output }.map { $0.json?["id"]?.string })
        #expect(ids.count == 1)
    }

    @Test
    func anErrorInTheMiddleOfAStreamFailsTheOperation() throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request, streaming: true)
        probe.token("t")
        probe.head(status: 200)
        probe.data(#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#)

        probe.data(#"{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}"#)

        #expect(probe.failure?.reason == .upstreamUnavailable)
        #expect(probe.failure?.message.contains("Overloaded.") == true)
    }

    @Test
    func aStreamThatBreaksOffFailsTheOperation() throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request, streaming: true)
        probe.token("t")
        probe.head(status: 200)
        probe.data(#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#)

        probe.end()

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test
    func aRefusedTokenIsRenewedOnce() throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request)
        let first = try #require(probe.token("old").first)

        let refresh = try #require(probe.head(status: 401).last)
        let second = try #require(probe.token("new").first)
        probe.respond(401, #"{"error":{"code":401,"message":"key AIza123","status":"UNAUTHENTICATED"}}"#)

        #expect(refresh.kind == .token)
        #expect(refresh.flags & 1 == 1)
        #expect(second.header("authorization")?.value == "Bearer new")
        #expect(second.bodyText() == first.bodyText())
        let failure = try #require(probe.failure)
        #expect(failure.reason == .upstreamAuthentication)
        #expect(failure.upstreamStatus == 401)
        #expect(failure.message.contains("401 UNAUTHENTICATED"))
        #expect(!failure.message.contains("AIza123"))
    }

    @Test
    func whoPaysForAPersonsCallsIsSaid() throws {
        let probe = try Deployment.harness(["vertex_credentials": Deployment.authorizedUser])
            .start(.chat, input: Self.request)

        let call = try #require(probe.token("t").first)

        #expect(call.header("x-goog-user-project")?.value == "payer")
    }

    @Test(arguments: [true, false])
    func aRequestThatIsRefusedIsNeverSent(isStreaming: Bool) throws {
        let probe = try Deployment.harness()
            .start(.chat, input: ["model": "m", "messages": [], "logit_bias": [:]], streaming: isStreaming)

        #expect(probe.commands.map(\.kind) == [.error])
        #expect(probe.failure?.reason == .invalid)
        #expect(probe.failure?.parameter == "messages")
    }

    @Test(arguments: ["<html>", "", "[", "[]", "7", #"{"candidates":7}"#])
    func anAnswerThatIsNotGeminisIsAFailure(body: String) throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request)
        probe.token("t")

        probe.respond(200, body)

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7] as [Int32])
    func aBrokenConnectionIsAFailure(code: Int32) throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request)
        probe.token("t")

        probe.failed(code)

        #expect(probe.failure != nil)
    }

    @Test(arguments: 0..<5)
    func aClientThatLeavesEndsTheOperation(step: Int) throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request, streaming: true)
        let event = #"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#
        let steps = [
            { _ = probe.token("t") }, { _ = probe.head(status: 401) }, { _ = probe.token("u") },
            {
                _ = probe.head(status: 200)
                _ = probe.data(event)
            },
        ]
        for step in steps.prefix(step) { step() }

        let commands = probe.cancel()

        #expect(commands.map(\.kind) == [.error])
        #expect(probe.failure?.reason == .cancelled)
    }

    @Test
    func aProbeAsksForATokenAlone() throws {
        let probe = try Deployment.harness().start(.probe)

        probe.token("t")

        #expect(probe.result == [:])
        #expect(probe.commands.map(\.kind) == [.token, .result])
    }

    @Test
    func aTokenThatCannotBeHadFailsTheOperation() throws {
        let probe = try Deployment.harness().start(.chat, input: Self.request)

        probe.tokenFailed(.upstreamAuthentication, "No.")

        #expect(probe.failure?.reason == .upstreamAuthentication)
    }
}
