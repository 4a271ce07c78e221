import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

struct OpenAIFailureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let status: Int32
        let body: String
        let expected: Failure

        var testDescription: String { "\(status) \(expected.reason)" }

        init(_ status: Int32, _ body: String, _ expected: Failure) {
            self.status = status
            self.body = body
            var expected = expected
            expected.upstreamStatus = Int(status)
            self.expected = expected
        }
    }

    private static let refused = "The provider refused this deployment's credentials"
    private static let cases = [
        Case(
            400,
            Fixtures.error("Bad", code: "x", param: "temperature"),
            Failure(.invalid, "Bad", parameter: "temperature")
        ),
        Case(
            400,
            Fixtures.error("Long", code: "context_length_exceeded", param: "messages"),
            Failure(.contextLength, "Long", parameter: "messages")
        ),
        Case(400, Fixtures.error("No", code: "content_policy_violation"), Failure(.filtered, "No")),
        Case(400, Fixtures.error("No", code: "content_filter"), Failure(.filtered, "No")),
        Case(
            401,
            Fixtures.error("Incorrect API key provided: sk-1234", code: "invalid_api_key"),
            Failure(.upstreamAuthentication, refused + " (invalid_api_key).", mayFallBack: true)
        ),
        Case(
            403,
            Fixtures.error("Key sk-1234", type: "sk-1234", code: "sk-1234"),
            Failure(.upstreamAuthentication, refused + ".", mayFallBack: true)
        ),
        Case(404, Fixtures.error("Gone", param: "id"), Failure(.notFound, "Gone", parameter: "id")),
        Case(408, "", status(408, .upstreamTimeout, retry: true)),
        Case(409, Fixtures.error("Busy"), Failure(.conflict, "Busy")),
        Case(413, "<html>too large</html>", Failure(.tooLarge, "The provider answered with status 413.")),
        Case(422, #"{"detail":"Unprocessable"}"#, Failure(.invalid, "Unprocessable")),
        Case(
            429,
            Fixtures.error("Slow down", type: "requests", code: "rate_limit_exceeded"),
            Failure(.rateLimit, "Slow down", isRetryable: true, mayFallBack: true)
        ),
        Case(
            429,
            Fixtures.error("Pay", type: "insufficient_quota", code: "insufficient_quota"),
            Failure(.quota, "Pay", mayFallBack: true)
        ),
        Case(
            500,
            Fixtures.error("Sorry", type: "server_error"),
            Failure(.upstreamUnavailable, "Sorry", isRetryable: true, mayFallBack: true)
        ),
        Case(
            503,
            #"{"error":"overloaded"}"#,
            Failure(.upstreamUnavailable, "overloaded", isRetryable: true, mayFallBack: true)
        ),
        Case(504, "[1", status(504, .upstreamTimeout, retry: true)),
        Case(302, "", status(302, .upstreamProtocol, retry: false)),
        Case(418, #"{"object":"error","message":"tea","code":400}"#, Failure(.invalid, "tea")),
        Case(
            402,
            #"{"error":{"message":"Insufficient Balance"}}"#,
            Failure(.quota, "Insufficient Balance", mayFallBack: true)
        ),
        Case(
            498,
            #"{"error":{"message":"No room"}}"#,
            Failure(.upstreamUnavailable, "No room", isRetryable: true, mayFallBack: true)
        ),
        Case(400, #"{"message":"Sorry"}"#, Failure(.invalid, "Sorry")),
        Case(400, #"{"code":"Bad thing","error":"It is bad"}"#, Failure(.invalid, "It is bad")),
        Case(
            400,
            #"{"error":{"code":400,"message":"Too long","type":"exceed_context_size_error"}}"#,
            Failure(.contextLength, "Too long")
        ),
        Case(
            422,
            #"{"detail":[{"type":"missing","loc":["body","messages",0],"msg":"Field required"},{"msg":"And this"}]}"#,
            Failure(.invalid, "body.messages.0: Field required; And this")
        ),
        Case(
            422,
            #"{"object":"error","message":{"detail":[{"loc":["body","store"],"msg":"Extra"}]},"type":"invalid"}"#,
            Failure(.invalid, "body.store: Extra")
        ),
        Case(422, #"{"detail":{"message":"Inner"}}"#, Failure(.invalid, "Inner")),
        Case(422, #"{"error":{"message":{"detail":"Deep"}}}"#, Failure(.invalid, "Deep")),
        Case(422, #"{"detail":[]}"#, Failure(.invalid, "The provider answered with status 422.")),
        Case(422, #"{"detail":[1,{"loc":["a"]}],"message":"Else"}"#, Failure(.invalid, "Else")),
        Case(422, #"{"error":true,"message":""}"#, Failure(.invalid, "The provider answered with status 422.")),
    ]

    private static func status(_ status: Int, _ reason: FailureReason, retry: Bool) -> Failure {
        Failure(reason, "The provider answered with status \(status).", isRetryable: retry, mayFallBack: true)
    }

    private let harness: PluginHarness<OpenAIAdapter>

    init() throws { harness = try .standard() }

    @Test(arguments: cases)
    func refusalsHaveAClassATextAndFlags(refusal: Case) throws {
        for kind in [OperationKind.chat, .embed, .probe, .fileGet, .fileList, .fileContent] {
            let probe = try harness.start(kind, input: ["id": "file-1"])

            probe.respond(refusal.status, refusal.body)

            #expect(probe.failure == refusal.expected)
        }
    }

    @Test(
        arguments: [
            ([("retry-after", "2")], 2_000), ([("retry-after", "0.25")], 250), ([("retry-after-ms", "1500")], 1_500),
            ([("retry-after", "9"), ("retry-after-ms", "12.2")], 13),
            ([("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")], 0),
            ([("retry-after", "-1")], 0), ([("retry-after", "nan")], 0), ([("retry-after", "1e9")], 0),
            ([("retry-after", "")], 0), ([("retry-after", ".")], 0), ([("retry-after", "99999999999999999999")], 0),
            ([("retry-after-ms", "x"), ("retry-after", "3")], 3_000),
        ] as [([(String, String)], UInt64)]
    )
    func theTimeToWaitIsReadFromTheHeaders(headers: [(String, String)], expected: UInt64) throws {
        let probe = try harness.start(.chat, input: [:])

        probe.respond(429, headers: headers)

        #expect(probe.failure?.retryAfterMilliseconds == expected)
    }

    @Test
    func aProviderThatWantsNoRepetitionIsHeard() throws {
        let probe = try harness.start(.chat, input: [:])

        probe.respond(500, headers: [("x-should-retry", "false")])

        #expect(probe.failure?.isRetryable == false)
        #expect(probe.failure?.mayFallBack == true)
    }

    @Test
    func longTextsAreShortened() throws {
        let probe = try harness.start(.chat, input: [:])

        probe.respond(400, Fixtures.error(String(repeating: "é", count: 5_000)))

        #expect((100...2_048).contains(try #require(probe.failure).message.utf8.count))
    }
}
