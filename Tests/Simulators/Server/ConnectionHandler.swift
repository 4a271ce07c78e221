import NIOCore

/// Bytes that pass the HTTP encoder untouched; an outbound user event.
struct RawBytes: Sendable {
    let bytes: ByteBuffer
}

/// Keeps a connection in the table while it lives, and notices the client's leaving.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let table: ConnectionTable
    private var connection: ClientConnection?

    init(table: ConnectionTable) { self.table = table }

    func handlerAdded(context: ChannelHandlerContext) {
        connection = table.insert(context.channel)
        do {
            try context.pipeline.syncOperations.addHandler(RawWriter(), position: .first)
        } catch {
            context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Half a close counts as a whole one: no HTTP client that still wants its answer does that.
        if let event = event as? ChannelEvent, event == .inputClosed { connection?.markGone() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection?.markGone()
        table.remove(context.channel)
        context.fireChannelInactive()
    }
}

/// Stands next to the socket and writes ``RawBytes``.
private final class RawWriter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let raw = event as? RawBytes else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        context.writeAndFlush(wrapOutboundOut(raw.bytes), promise: promise)
    }
}
