import NIOCore
import NIOPosix

/// An HTTP proxy on 127.0.0.1 that leads every tunnel to one port and writes down what it was asked.
final class TestProxy: Sendable {
    let port: Int
    /// The heads of the requests, each as it arrived.
    let heads = SharedList()
    private let channel: any Channel

    /// Leads to a port on 127.0.0.1, whatever host is named.
    ///
    /// A refusal is answered to `CONNECT` instead of opening a tunnel, and an empty one is no answer at all; `onRequest`
    /// is called before any of this.
    init(
        group: any EventLoopGroup,
        target: Int,
        refusal: String? = nil,
        onRequest: @escaping @Sendable () -> Void = {}
    ) async throws {
        let heads = heads
        channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ProxyHandler(heads: heads, target: target, refusal: refusal, onRequest: onRequest)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    /// May be called again.
    func stop() async throws {
        if channel.isActive { try await channel.close() }
    }
}

private final class ProxyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let heads: SharedList
    private let target: Int
    private let refusal: String?
    private let onRequest: @Sendable () -> Void
    private var received = ByteBuffer()
    private var far: (any Channel)?
    private var isConnecting = false

    init(heads: SharedList, target: Int, refusal: String?, onRequest: @escaping @Sendable () -> Void) {
        self.heads = heads
        self.target = target
        self.refusal = refusal
        self.onRequest = onRequest
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        if let far {
            far.writeAndFlush(received, promise: nil)
            received.clear()
            return
        }
        let view = received.readableBytesView
        guard !isConnecting, let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        isConnecting = true
        let head = String(decoding: view[..<end.upperBound], as: UTF8.self)
        heads.append(head)
        onRequest()
        let isTunnel = head.hasPrefix("CONNECT ")
        // A request is passed on as it is; a server has to take an absolute URL (RFC 9112 §3.2.2).
        if isTunnel { received.moveReaderIndex(to: end.upperBound) }
        let near = context.channel
        if isTunnel, let refusal { return near.writeAndFlush(ByteBuffer(string: refusal), promise: nil) }
        let box = NIOLoopBound(self, eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FarHandler(near: near))
                }
            }
            .connect(host: "127.0.0.1", port: target)
            .whenComplete { result in box.value.connected(result, near, isTunnel: isTunnel) }
    }

    private func connected(_ result: Result<any Channel, any Error>, _ near: any Channel, isTunnel: Bool) {
        guard case .success(let far) = result else { return near.close(promise: nil) }
        self.far = far
        if isTunnel {
            near.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n"), promise: nil)
        }
        if received.readableBytes > 0 { far.writeAndFlush(received, promise: nil) }
        received.clear()
    }

    func channelInactive(context _: ChannelHandlerContext) { far?.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error _: any Error) { context.close(promise: nil) }
}

/// Brings back what the target sends.
private final class FarHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let near: any Channel

    init(near: any Channel) { self.near = near }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        near.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context _: ChannelHandlerContext) { near.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error _: any Error) { context.close(promise: nil) }
}
