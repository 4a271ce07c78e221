import NIOCore
import NIOHTTPTypesHTTP1

/// Puts the gateway's own handlers on a client's connection, between the HTTP/1 parser and the codec of the routes'
/// types, and goes.
///
/// There every request passes them as it was parsed: what the fast lane serves is never turned into other types.
final class FrontDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Never

    private let routes: FastRoutes
    private let calls: any FastCallMaker

    init(routes: FastRoutes, calls: any FastCallMaker) {
        self.routes = routes
        self.calls = calls
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        let watcher = ConnectionGuard()
        let lane = FastLane(routes: routes, calls: calls, watcher: watcher)
        do {
            let codec = try pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self).handler
            try pipeline.addHandlers([lane, OldHTTPHandler(), watcher], position: .before(codec))
        } catch {
            // Without them nothing would watch over the connection.
            context.close(promise: nil)
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
