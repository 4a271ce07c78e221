import HostUpstream
import NIOCore
import NIOHTTP1

/// What is kept of a receiver's answer.
package struct WebhookAnswer: Hashable, Sendable {
    package let status: Int
    /// `Retry-After` if it is a number of seconds.
    package let retryAfter: Duration?

    /// Makes an answer.
    package init(status: Int, retryAfter: Duration? = nil) {
        self.status = status
        self.retryAfter = retryAfter
    }
}

/// Sends one request and waits for its answer.
package protocol WebhookTransport: Sendable {
    /// Sends a request once.
    ///
    /// - Throws: ``UpstreamError``; `.cancelled` when the calling task is cancelled.
    func post(_ request: UpstreamRequest) async throws -> WebhookAnswer
}

/// The way to receivers: a client of its own, which has nothing to do with providers.
package struct WebhookClient: WebhookTransport {
    private let client: UpstreamClient
    private let group: any EventLoopGroup

    /// Wraps a client.
    ///
    /// - Parameters:
    ///   - client: Made with ``configuration(_:for:)``.
    ///   - group: The client's loops.
    package init(client: UpstreamClient, group: any EventLoopGroup) {
        self.client = client
        self.group = group
    }

    /// The settings of a client for webhooks.
    ///
    /// - Parameters:
    ///   - configuration: That of the client for providers: trusted authorities and proxies are the same.
    ///   - rules: Which addresses are refused.
    /// - Returns: The settings.
    package static func configuration(
        _ configuration: UpstreamConfiguration,
        for rules: WebhookRules
    ) -> UpstreamConfiguration {
        var configuration = configuration
        configuration.maximumIdleConnections = 0
        configuration.maximumHeadSizeInBytes = 16 * 1024
        configuration.addressRule = rules.addressRule
        configuration.makeResolver = { ThreadPoolResolver(loop: $0) }
        return configuration
    }

    package func post(_ request: UpstreamRequest) async throws -> WebhookAnswer {
        let loop = group.next()
        let promise = loop.makePromise(of: WebhookAnswer.self)
        let listener = NIOLoopBoundBox.makeBoxSendingValue(AnswerListener(promise), eventLoop: loop)
        return try await withTaskCancellationHandler {
            loop.execute { [client] in listener.value.begin { client.send(request, on: loop, delegate: $0) } }
            return try await promise.futureResult.get()
        } onCancel: {
            loop.execute { listener.value.cancel() }
        }
    }
}

/// Waits for one answer; what stands in its body is not looked at.
///
/// Used on its event loop only.
private final class AnswerListener: UpstreamDelegate {
    private static let longestBody = 64 * 1024

    private var promise: EventLoopPromise<WebhookAnswer>?
    private var exchange: UpstreamExchange?
    private var answer: WebhookAnswer?
    private var bodySize = 0

    init(_ promise: EventLoopPromise<WebhookAnswer>) { self.promise = promise }

    func begin(_ send: (AnswerListener) -> UpstreamExchange) {
        // It may have been cancelled before it began.
        if promise != nil { exchange = send(self) }
    }

    func cancel() {
        exchange?.cancel()
        finish(.failure(UpstreamError(.cancelled, "the gateway is shutting down")))
    }

    func upstreamDidReceiveHead(status: Int, headers: HTTPHeaders) {
        let seconds = headers.first(name: "retry-after").flatMap { Int64($0) }
        answer = WebhookAnswer(status: status, retryAfter: seconds.map { .seconds(min(max($0, 0), 86_400)) })
    }

    /// A body that goes on and on is cut off; its status counts.
    func upstreamDidReceiveBody(_ bytes: ByteBuffer) {
        bodySize += bytes.readableBytes
        guard bodySize > Self.longestBody, let answer else { return }
        exchange?.cancel()
        finish(.success(answer))
    }

    func upstreamDidEnd(trailers _: HTTPHeaders?) {
        let missing = UpstreamError(.protocolViolation, "the answer had no head")
        finish(answer.map { .success($0) } ?? .failure(missing))
    }

    /// Once the status is known it counts, whatever becomes of the body.
    func upstreamDidFail(_ error: UpstreamError) {
        finish(answer.map { .success($0) } ?? .failure(error))
    }

    private func finish(_ result: Result<WebhookAnswer, UpstreamError>) {
        exchange = nil
        promise?.completeWith(result.mapError { $0 as any Error })
        promise = nil
    }
}

@available(*, unavailable)
extension AnswerListener: Sendable {}
