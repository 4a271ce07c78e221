import HostTransfer
import HostUpstream
import Logging
import NIOCore
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1)))
struct WebhookClientTests {
    /// Sends a fixed text to whoever sends anything; without end if it is told so.
    private final class Talker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let text: String
        private let isEndless: Bool

        init(_ text: String, isEndless: Bool) {
            self.text = text
            self.isEndless = isEndless
        }

        func channelRead(context: ChannelHandlerContext, data _: NIOAny) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            if isEndless { goOn(context) }
        }

        private func goOn(_ context: ChannelHandlerContext) {
            let written = context.writeAndFlush(wrapOutboundOut(ByteBuffer(repeating: 0x20, count: 1024)))
            written.assumeIsolated().whenSuccess { self.goOn(context) }
        }
    }

    private func post(
        to text: String,
        isEndless: Bool = false,
        within time: TimeAmount = .seconds(30),
        isAllowed: Bool = true,
        cancels: Bool = false
    ) async throws -> WebhookAnswer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Talker(text, isEndless: isEndless))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let rules = try WebhookRules(
            defaultURL: nil,
            allowsHost: { _, _, _ in true },
            allowsInside: { _, _, _ in isAllowed },
            trustsProxy: { _, _, _ in false }
        )
        let upstream = try UpstreamClient(
            group: group,
            filePool: .singleton,
            configuration: WebhookClient.configuration(UpstreamConfiguration(), for: rules),
            logger: Logger(label: "test")
        )
        let client = WebhookClient(client: upstream, group: group)
        let port = server.localAddress?.port ?? 0
        let request = try UpstreamRequest(
            method: "POST",
            url: try UpstreamURL(parsing: "http://127.0.0.1:\(port)/"),
            allowsRetry: false,
            totalTimeout: time
        )
        let task = Task { try await client.post(request) }
        if cancels { task.cancel() }
        let result = await task.result
        await upstream.shutdown()
        try await server.close()
        try await group.shutdownGracefully()
        return try result.get()
    }

    private func failure(_ body: () async throws -> WebhookAnswer) async -> UpstreamError.Code? {
        let error = await #expect(throws: UpstreamError.self) { try await body() }
        return error?.code
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", WebhookAnswer(status: 200)),
        (
            "HTTP/1.1 503 No\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
            WebhookAnswer(status: 503, retryAfter: .seconds(120))
        ),
        ("HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", WebhookAnswer(status: 503)),
        (
            "HTTP/1.1 503 No\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n",
            WebhookAnswer(status: 503, retryAfter: .zero)
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            WebhookAnswer(status: 302)
        ),
    ])
    func theAnswersStatusCounts(text: String, expected: WebhookAnswer) async throws {
        #expect(try await post(to: text) == expected)
    }

    @Test
    func aBodyWithoutEndIsCutOff() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
        #expect(try await post(to: head, isEndless: true) == WebhookAnswer(status: 200))
    }

    @Test
    func aBodyThatStopsDoesNotChangeTheStatus() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
        #expect(try await post(to: head, within: .milliseconds(300)) == WebhookAnswer(status: 200))
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nX: "])
    func aReceiverThatDoesNotAnswerIsLeftWhenTheTimeIsOver(text: String) async {
        #expect(await failure { try await post(to: text, within: .milliseconds(300)) } == .timeout)
    }

    @Test
    func whatIsNotHTTPIsNoAnswer() async {
        #expect(await failure { try await post(to: "SSH-2.0-OpenSSH_9.2\r\n") } == .protocolViolation)
    }

    @Test
    func aHeadWithoutEndIsNoAnswer() async {
        let head = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 100_000)
        #expect(await failure { try await post(to: head, isEndless: true) } == .tooLarge)
    }

    @Test
    func anAddressOfThisMachineIsRefusedUnlessItIsAllowed() async {
        #expect(await failure { try await post(to: "HTTP/1.1 200 OK\r\n\r\n", isAllowed: false) } == .denied)
    }

    @Test
    func aCancelledRequestEnds() async {
        #expect(await failure { try await post(to: "", cancels: true) } == .cancelled)
    }
}
