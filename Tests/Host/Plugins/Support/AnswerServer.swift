import NIOCore
import NIOPosix

/// A server on 127.0.0.1 whose answers a test writes byte by byte.
final class AnswerServer: Sendable {
    typealias Script = @Sendable (_ head: String, _ body: String, _ channel: any Channel) -> Void

    let port: Int
    private let channel: any Channel

    init(group: any EventLoopGroup, script: @escaping Script) async throws {
        channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AnswerHandler(script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.close() }

    /// A script that gives every request the same complete answer.
    static func answering(_ body: String, status: String = "200 OK") -> Script {
        { _, _, channel in channel.writeAndFlush(answer(body, status: status), promise: nil) }
    }

    /// A complete answer.
    static func answer(_ body: String, status: String = "200 OK") -> ByteBuffer {
        ByteBuffer(string: "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let script: AnswerServer.Script
    private var received = ByteBuffer()

    init(script: @escaping AnswerServer.Script) { self.script = script }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        let text = String(buffer: received)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return }
        let head = String(text[..<end.lowerBound])
        let body = String(text[end.upperBound...])
        let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).filter(\.isNumber)) }
        guard body.utf8.count >= length ?? 0 else { return }
        received.clear()
        script(head, body, context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
