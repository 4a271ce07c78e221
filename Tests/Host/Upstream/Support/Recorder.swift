import HostUpstream
import NIOCore
import NIOHTTP1
import Testing

/// A complete answer.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: String
    let trailers: HTTPHeaders?
}

/// Collects an answer, and checks that the calls come in an order that is allowed.
final class Recorder: UpstreamDelegate {
    var exchange: UpstreamExchange?
    var onHead: (Recorder) -> Void = { _ in }
    var onBody: (Recorder, ByteBuffer) -> Void = { _, _ in }
    var collectsBody = true
    /// Set by a test while no call is allowed.
    var mustBeSilent = true
    private(set) var status: Int?
    private(set) var bodySize = 0
    private var headers = HTTPHeaders()
    private var body = ByteBuffer()
    private var isOver = false
    private let promise: EventLoopPromise<Answer>

    init(_ promise: EventLoopPromise<Answer>) {
        self.promise = promise
    }

    private func check() {
        #expect(!isOver, "a call came after the end")
        #expect(!mustBeSilent, "a call came while none was allowed")
    }

    func upstreamDidReceiveHead(status: Int, headers: HTTPHeaders) {
        check()
        #expect(self.status == nil)
        self.status = status
        self.headers = headers
        onHead(self)
    }

    func upstreamDidReceiveBody(_ bytes: ByteBuffer) {
        check()
        #expect(status != nil)
        bodySize += bytes.readableBytes
        var bytes = bytes
        if collectsBody { body.writeBuffer(&bytes) }
        onBody(self, bytes)
    }

    func upstreamDidEnd(trailers: HTTPHeaders?) {
        check()
        isOver = true
        guard let status else { return promise.fail(UpstreamError(.protocolViolation, "an end without a head")) }
        promise.succeed(
            Answer(status: status, headers: headers, body: String(buffer: body), trailers: trailers)
        )
    }

    func upstreamDidFail(_ error: UpstreamError) {
        check()
        isOver = true
        promise.fail(error)
    }
}

/// A client, a loop to send on and a server to send to.
struct Bench: Sendable {
    let client: UpstreamClient
    let server: ScriptedServer
    let loop: any EventLoop

    func url(_ path: String = "/", scheme: String = "http", host: String = "127.0.0.1") throws -> UpstreamURL {
        try UpstreamURL(parsing: "\(scheme)://\(host):\(server.port)\(path)")
    }

    /// Starts an exchange; `prepare` runs on the loop after the request was sent.
    func start(
        _ request: UpstreamRequest,
        prepare: @escaping @Sendable (Recorder) -> Void = { _ in }
    ) -> EventLoopFuture<Answer> {
        loop.flatSubmit { [loop, client] in
            let promise = loop.makePromise(of: Answer.self)
            let recorder = Recorder(promise)
            recorder.exchange = client.send(request, on: loop, delegate: recorder)
            recorder.mustBeSilent = false
            prepare(recorder)
            return promise.futureResult
        }
    }

    func answer(to request: UpstreamRequest) async throws -> Answer {
        try await start(request).get()
    }

    func answer(_ path: String = "/", method: String = "GET") async throws -> Answer {
        try await answer(to: try UpstreamRequest(method: method, url: try url(path)))
    }

    /// The failure of a request that must fail.
    func failure(of request: UpstreamRequest) async throws -> UpstreamError {
        try await failure(of: start(request))
    }

    func failure(of answer: EventLoopFuture<Answer>) async throws -> UpstreamError {
        do {
            let answer = try await answer.get()
            throw UpstreamError(.invalidRequest, "expected a failure, got status \(answer.status)")
        } catch let error as UpstreamError {
            return error
        }
    }
}

func post(_ url: UpstreamURL, _ body: String, allowsRetry: Bool = true) throws -> UpstreamRequest {
    try UpstreamRequest(method: "POST", url: url, body: [.bytes(ByteBuffer(string: body))], allowsRetry: allowsRetry)
}
