import HTTPTypes
import HostCore
import NIOCore
import NIOHTTP1

/// Watches one client connection: heads and bodies must come in time, malformed requests get the gateway's own error,
/// and whoever works for the client learns when it has gone.
///
/// The router's requests and answers pass it; of the fast lane's, which do not come so far, the lane tells it.
package final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    /// How long a client may take, and how slow it may be.
    package struct Limits: Sendable {
        /// From the connection to its first request's head.
        package var firstHead: TimeAmount = .seconds(15)
        /// From one answer to the next request's head.
        package var nextHead: TimeAmount = .seconds(75)
        /// A body must bring ``bytesPerWindow`` in each window, or end.
        package var bodyWindow: TimeAmount = .seconds(30)
        package var bytesPerWindow = 16 * 1024
        /// How long a body may go on after its request was answered.
        package var linger: TimeAmount = .seconds(5)

        /// Makes the default limits.
        package init() {}
    }

    private enum Phase {
        case awaitingHead
        case readingBody
        case answering
        /// Answered before the body was read: the rest is thrown away for a while, so that the client sees the answer.
        case lingering
    }

    private let limits: Limits
    private var context: ChannelHandlerContext?
    private var phase = Phase.awaitingHead
    private var answersOwed = 0
    private var hasBegunAnswer = false
    private var hasLeft = false
    private var hasLargeReads = false
    private var bytesInWindow = 0
    private var timer: Scheduled<Void>?
    private var timerFires = NIODeadline.distantFuture
    private var dueAt = NIODeadline.distantFuture
    private var listeners: [UInt64: @Sendable () -> Void] = [:]
    private var nextListener: UInt64 = 0

    /// Makes the guard of one connection.
    package init(limits: Limits = Limits()) { self.limits = limits }

    /// A body that is so long is read in large pieces.
    private static let largeBodyInBytes = 1 << 20
    private static let largeReads = AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 65_536, maximum: 1 << 18)

    /// Calls back once when the client goes away, or at once if it has gone.
    ///
    /// - Returns: A ticket for ``forget(_:)``.
    func onDisconnect(_ body: @escaping @Sendable () -> Void) -> UInt64 {
        guard let context, context.channel.isActive, !hasLeft else {
            body()
            return .max
        }
        nextListener += 1
        listeners[nextListener] = body
        return nextListener
    }

    /// Takes a callback back.
    func forget(_ ticket: UInt64) { listeners[ticket] = nil }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { schedule(limits.firstHead) }
    }

    package func channelActive(context: ChannelHandlerContext) {
        schedule(limits.firstHead)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        notify()
        context.fireChannelInactive()
    }

    package func handlerRemoved(context _: ChannelHandlerContext) {
        timer?.cancel()
        context = nil
        notify()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let fields = RequestFields(head.headers)
            let isOld = head.version == .http1_0
            if let error = HostRule.refusal(ofHosts: fields.hosts, isOld: isOld) {
                return answer(error, closing: false, context)
            }
            requestDidBegin(fields, isOld: isOld)
        case .body(let bytes):
            guard phase != .lingering else { return }
            requestDidBring(bytes)
        case .end: guard requestDidEnd() else { return }
        }
        context.fireChannelRead(data)
    }

    /// The head of a request is there.
    func requestDidBegin(_ fields: RequestFields, isOld: Bool) {
        answersOwed += 1
        phase = .readingBody
        if fields.length ?? 0 >= Self.largeBodyInBytes { read(with: Self.largeReads) }
        bytesInWindow = 0
        schedule(limits.bodyWindow)
        guard fields.expectsContinue, !isOld, let context else { return }
        let interim = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(interim)), promise: nil)
    }

    /// A piece of its body is there.
    func requestDidBring(_ bytes: ByteBuffer) { bytesInWindow += bytes.readableBytes }

    /// It is there to the end.
    ///
    /// - Returns: Whether it has still to be answered; if not, the connection closes.
    func requestDidEnd() -> Bool {
        guard phase != .lingering else {
            context?.close(promise: nil)
            return false
        }
        phase = .answering
        if hasLargeReads { read(with: AdaptiveRecvByteBufferAllocator()) }
        stopTimer()
        return true
    }

    /// Whoever is behind may have stopped reading, or not know of the connection's end yet.
    package func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if phase == .lingering { context.read() }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that closes its half while it waits has gone: nobody would read the answer.
        if let event = event as? ChannelEvent, event == .inputClosed {
            hasLeft = true
            notify()
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            guard answerDidBegin() else { break }
            head.headers.replaceOrAdd(name: "connection", value: "close")
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        // Before the lane sees it, and goes on with the next request.
        case .end: answerDidEnd()
        case .body: break
        }
        context.write(data, promise: promise)
    }

    /// The head of an answer goes out.
    ///
    /// - Returns: Whether its request has not been read to the end, so that the connection has to close.
    func answerDidBegin() -> Bool {
        hasBegunAnswer = true
        return phase == .readingBody && answersOwed == 1
    }

    /// An answer has gone out to its end.
    func answerDidEnd() {
        answersOwed -= 1
        hasBegunAnswer = false
        guard answersOwed == 0 else { return }
        switch phase {
        case .answering:
            phase = .awaitingHead
            schedule(limits.nextHead)
        case .readingBody: linger()
        case .awaitingHead, .lingering: break
        }
    }

    private func linger() {
        phase = .lingering
        schedule(limits.linger)
        context?.read()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        guard phase != .lingering else { return }
        // The lane kept it until what came before was answered. An answer that has begun is one to a request whose
        // body has turned out to be none: it must not be taken for whole.
        if hasBegunAnswer { return context.close(promise: nil) }
        answer(Self.refusal(of: error), closing: true, context)
    }

    private static func refusal(of error: HTTPParserError) -> GatewayError {
        guard error == .headerOverflow else {
            return GatewayError(
                .badRequest,
                code: "malformed_http",
                message: "This is not a well-formed HTTP/1.1 request."
            )
        }
        return GatewayError(
            .requestHeaderFieldsTooLarge,
            code: "too_large",
            message: "The request's headers are too large: at most 80 KiB in all."
        )
    }

    private func refuseSlowBody(_ context: ChannelHandlerContext) {
        guard answersOwed == 1, !hasBegunAnswer else { return context.close(promise: nil) }
        let refusal = GatewayError(
            .requestTimeout,
            code: "body_too_slow",
            message: "The request's body came too slowly. Send it again."
        )
        answer(refusal, closing: true, context)
    }

    /// Answers past the routes, and closes: at once, or when the rest of the request has come or takes too long.
    private func answer(_ refusal: GatewayError, closing: Bool, _ context: ChannelHandlerContext) {
        do {
            let body = try ByteBuffer(json: refusal.body)
            let headers: HTTPHeaders = [
                "content-type": "application/json", "content-length": "\(body.readableBytes)", "connection": "close",
            ]
            let status = HTTPResponseStatus(statusCode: refusal.status.code)
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            let written = context.eventLoop.makePromise(of: Void.self)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
            linger()
            if closing {
                written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            }
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
    }

    /// A timer that runs already is left to run, and looks when it is due: it is moved with every request.
    private func schedule(_ delay: TimeAmount) {
        guard let context else { return }
        dueAt = context.eventLoop.now + delay
        if let timer, timerFires > dueAt {
            timer.cancel()
            self.timer = nil
        }
        if timer == nil { startTimer() }
    }

    private func stopTimer() { dueAt = .distantFuture }

    private func startTimer() {
        guard let context, dueAt < .distantFuture else { return }
        timerFires = dueAt
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: dueAt) {
            self.timer = nil
            self.timerFired(context.eventLoop.now)
        }
    }

    private func timerFired(_ now: NIODeadline) {
        guard dueAt <= now else { return startTimer() }
        if let pause = LateTimer.secondLook(after: Duration(now - timerFires)) { return schedule(TimeAmount(pause)) }
        timePassed()
    }

    private func timePassed() {
        guard let context else { return }
        switch phase {
        case .awaitingHead, .lingering: context.close(promise: nil)
        // A request that was sent ahead is not read while the one before it is answered.
        case .readingBody where answersOwed > 1: schedule(limits.bodyWindow)
        case .readingBody where bytesInWindow < limits.bytesPerWindow: refuseSlowBody(context)
        case .readingBody:
            bytesInWindow = 0
            schedule(limits.bodyWindow)
        case .answering: break
        }
    }

    private func read(with allocator: AdaptiveRecvByteBufferAllocator) {
        do {
            try context?.channel.syncOptions?.setOption(.recvAllocator, value: allocator)
            hasLargeReads.toggle()
        } catch {
            // The connection has closed, or is none of the system's: it is read as before.
            return
        }
    }

    private func notify() {
        let waiting = listeners.values
        listeners = [:]
        for listener in waiting { listener() }
    }
}
