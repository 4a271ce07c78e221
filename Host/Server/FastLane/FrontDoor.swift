import NIOCore
import NIOHTTPTypesHTTP1

/// Puts the gateway's own handlers on a client's connection, between the HTTP/1 parser and the codec of the routes'
/// types, and goes.
///
/// There every request passes them as it was parsed: what the fast lane serves is never turned into other types.
final class FrontDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Never

    private let lane: FastLane

    init(lane: FastLane) { self.lane = lane }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            let codec = try pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self).handler
            try pipeline.addHandlers([OldHTTPHandler(), ConnectionGuard(), lane], position: .before(codec))
        } catch {
            // Without them nothing would watch over the connection.
            context.close(promise: nil)
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
