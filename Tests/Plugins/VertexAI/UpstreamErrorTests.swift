import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct UpstreamErrorTests {
    @Test(
        arguments: [
            (400, .invalid, false, false), (401, .upstreamAuthentication, false, true),
            (403, .upstreamAuthentication, false, true), (404, .notFound, false, true),
            (408, .upstreamTimeout, true, true), (409, .conflict, false, false), (412, .conflict, false, false),
            (413, .tooLarge, false, false), (416, .invalid, false, false), (422, .invalid, false, false),
            (429, .rateLimit, true, true), (499, .upstreamUnavailable, true, true),
            (500, .upstreamUnavailable, true, true), (501, .unsupported, false, true),
            (503, .upstreamUnavailable, true, true), (504, .upstreamTimeout, true, true),
            (302, .upstreamProtocol, false, true), (0, .upstreamProtocol, false, true),
        ] as [(Int, FailureReason, Bool, Bool)]
    )
    func aStatusHasItsClass(status: Int, reason: FailureReason, isRetryable: Bool, mayFallBack: Bool) {
        let failure = UpstreamError(status: status, headers: [], body: []).failure(service: "X")

        #expect(failure.reason == reason)
        #expect(failure.upstreamStatus == status)
        #expect(failure.isRetryable == isRetryable)
        #expect(failure.mayFallBack == mayFallBack)
    }

    @Test(
        arguments: [
            (
                #"{"error":{"code":400,"message":"Bad \n field","status":"INVALID_ARGUMENT"}}"#,
                "X answered 400 INVALID_ARGUMENT: Bad   field"
            ),
            (
                #"[{"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}}]"#,
                "X answered 400 INVALID_ARGUMENT: Bad"
            ),
            (
                #"{"error":{"code":400,"message":"Bad","errors":[{"reason":"required"}]}}"#,
                "X answered 400 required: Bad"
            ),
            ("<html>\u{7}Bad gateway</html>", "X answered 400: <html> Bad gateway</html>"), ("", "X answered 400."),
            (#"{"error":{"status":"a b","message":"Bad"}}"#, "X answered 400: Bad"),
            (#"{"error":7}"#, "X answered 400."), ("[]", "X answered 400: []"),
        ]
    )
    func theProvidersTextIsPassedOnInOneLine(body: String, message: String) {
        #expect(
            UpstreamError(status: 400, headers: [], body: Array(body.utf8)).failure(service: "X").message == message
        )
    }

    @Test
    func anAnswerThatIsNotGooglesIsCutShort() {
        let body = Array(repeating: UInt8(ascii: "x"), count: 100_000)

        let failure = UpstreamError(status: 500, headers: [], body: body).failure(service: "X")

        #expect(failure.message.utf8.count < 400)
        #expect(failure.message.hasSuffix("..."))
    }

    @Test
    func aConversationThatIsTooLongHasItsOwnClass() {
        let body = """
            {"error":{"code":400,"status":"INVALID_ARGUMENT","message":"The input token count (1200000) exceeds the maximum\
             number of tokens allowed (1048576)."}}
            """

        let failure = UpstreamError(status: 400, headers: [], body: Array(body.utf8)).failure(service: "X")

        #expect(failure.reason == .contextLength)
    }

    @Test(
        arguments: [
            (#"[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]"#, nil, 34000),
            (#"[{"@type":"x"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]"#, "9", 1500),
            (#"[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"-1s"}]"#, "9", 9000),
            (#"[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"nans"}]"#, nil, 0),
            (#"[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1e99s"}]"#, nil, 86_400_000),
            ("7", "Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ] as [(String, String?, UInt64)]
    )
    func theDelayIsInTheBodyOrElseInTheHeader(details: String, header: String?, milliseconds: UInt64) {
        let body = #"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":\#(details)}}"#
        let headers = header.map { [(name: "retry-after", value: $0)] } ?? []

        let failure = UpstreamError(status: 429, headers: headers, body: Array(body.utf8)).failure(service: "X")

        #expect(failure.reason == .rateLimit)
        #expect(failure.retryAfterMilliseconds == milliseconds)
    }
}
