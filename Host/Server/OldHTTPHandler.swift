import NIOCore
import NIOHTTP1

/// Serves clients of HTTP/1.0: no chunks, no 100 Continue, and a connection that closes after its answer.
///
/// It stands between the HTTP/1 parser and the codec behind which a request's version cannot be seen any more.
final class OldHTTPHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Whether each request that waits for its answer is of HTTP/1.0, in their order.
    private var requests = CircularBuffer<Bool>()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) { requests.append(head.version == .http1_0) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isOld = requests.first ?? false
        switch unwrapOutboundIn(data) {
        case .head(let head) where isOld && (100..<200).contains(head.status.code): promise?.succeed()
        case .head(var head) where isOld:
            head.version = .http1_0
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            _ = requests.popFirst()
            isOld ? writeAndClose(context, data, promise) : context.write(data, promise: promise)
        case .head, .body: context.write(data, promise: promise)
        }
    }

    /// Closes only when everything is out: what still waited in the channel would be lost.
    private func writeAndClose(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        context.write(data, promise: written)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }
}
