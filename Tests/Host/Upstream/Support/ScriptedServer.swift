import NIOCore
import NIOPosix
import NIOSSL

/// A server on 127.0.0.1 whose answers a test writes byte by byte.
final class ScriptedServer: Sendable {
    /// When the script runs.
    enum Moment {
        case connected
        case headReceived
        case requestReceived
    }

    /// A request as it arrived.
    struct Request: Sendable {
        /// Counted from 0 in the order they were accepted.
        let connection: Int
        /// Counted from 0 on its connection.
        let number: Int
        let head: String
        let body: ByteBuffer
    }

    typealias Script = @Sendable (Request, Peer) -> Void

    let port: Int
    let accepted = SharedCounter()
    let closed = SharedCounter()
    private let channel: any Channel

    init(
        group: any EventLoopGroup,
        at moment: Moment = .requestReceived,
        tls: NIOSSLContext? = nil,
        script: @escaping Script
    ) async throws {
        let accepted = accepted
        let closed = closed
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    let number = accepted.add(1) - 1
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(
                        ScriptHandler(number: number, moment: moment, closed: closed, script: script)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func stop() async throws {
        try await channel.close()
    }
}

/// The server's side of one connection.
struct Peer: Sendable {
    let channel: any Channel

    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    /// Sends a complete answer with a `Content-Length`.
    func answer(_ status: String = "200 OK", headers: String = "", body: String = "") {
        send("HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    func close() {
        channel.close(promise: nil)
    }

    func send(_ text: String, thenClose: Void) {
        let channel = channel
        channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
    }

    /// Ends the TCP connection without a TLS farewell.
    func cut(after text: String) {
        let pipeline = channel.pipeline
        channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in
            do {
                try pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self).close(promise: nil)
            } catch {
                pipeline.close(promise: nil)
            }
        }
    }
}

/// Collects requests and runs the script.
private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let number: Int
    private let moment: ScriptedServer.Moment
    private let closed: SharedCounter
    private let script: ScriptedServer.Script
    private var received = ByteBuffer()
    private var requestCount = 0
    private var bytesToSkip = 0

    init(
        number: Int,
        moment: ScriptedServer.Moment,
        closed: SharedCounter,
        script: @escaping ScriptedServer.Script
    ) {
        self.number = number
        self.moment = moment
        self.closed = closed
        self.script = script
    }

    func channelActive(context: ChannelHandlerContext) {
        if moment == .connected { run(head: "", body: ByteBuffer(), context) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed.add(1)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard moment != .connected else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        let skipped = min(bytesToSkip, bytes.readableBytes)
        bytesToSkip -= skipped
        bytes.moveReaderIndex(forwardBy: skipped)
        received.writeBuffer(&bytes)
        while takeRequest(context) {}
    }

    private func takeRequest(_ context: ChannelHandlerContext) -> Bool {
        let view = received.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        let head = String(decoding: view[..<end.upperBound], as: UTF8.self)
        let length = Self.contentLength(head)
        let headSize = head.utf8.count
        if moment == .headReceived {
            received.moveReaderIndex(forwardBy: headSize)
            let present = min(length, received.readableBytes)
            received.moveReaderIndex(forwardBy: present)
            bytesToSkip = length - present
            run(head: head, body: ByteBuffer(), context)
            return true
        }
        guard received.readableBytes >= headSize + length else { return false }
        received.moveReaderIndex(forwardBy: headSize)
        run(head: head, body: received.readSlice(length: length) ?? ByteBuffer(), context)
        received.discardReadBytes()
        return true
    }

    private func run(head: String, body: ByteBuffer, _ context: ChannelHandlerContext) {
        let request = ScriptedServer.Request(connection: number, number: requestCount, head: head, body: body)
        requestCount += 1
        script(request, Peer(channel: context.channel))
    }

    private static func contentLength(_ head: String) -> Int {
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length: ") {
            return Int(line.dropFirst("content-length: ".count)) ?? 0
        }
        return 0
    }
}
