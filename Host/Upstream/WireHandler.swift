import NIOCore

/// Sits between the HTTP decoder and the network: sees every byte that arrives and writes bytes past the decoder.
final class WireHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: UpstreamConnection
    private var context: ChannelHandlerContext?

    init(connection: UpstreamConnection) {
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.wire = self
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        connection.wire = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.bytesArrived()
        context.fireChannelRead(data)
    }

    func write(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    /// Lets the system send a range of a file; without TLS only.
    func write(_ region: FileRegion, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        context.write(NIOAny(IOData.fileRegion(region)), promise: promise)
    }

    func flush() {
        context?.flush()
    }
}
