import NIOCore
import NIOHTTP1

/// One request of the fast lane, as the lane sees it; it writes its answer to the lane, and ends it there.
protocol LaneCall: AnyObject {
    /// The head is there.
    func begin()
    func receive(_ bytes: ByteBuffer)
    func receiveEnd()
    /// The client has gone.
    func cancel()
    func writabilityChanged(to isWritable: Bool)
}

/// Makes the calls of one connection.
protocol FastCallMaker: AnyObject {
    func makeCall(
        _ fields: RequestFields,
        _ match: FastRoutes.Match,
        on lane: FastLane,
        loop: any EventLoop
    ) -> any LaneCall
}

/// Serves the hot routes from the first byte to the last on the connection's event loop, without a task or a hop, and
/// passes every other request on to the router.
///
/// Whichever way a request takes, the next one of its connection begins when its answer has ended. What a client sends
/// ahead waits here, and once there is something nothing more is read: answers keep the order of their requests, and what
/// waits is bounded by one turn of reading, or by the socket's buffer if the client has closed its half.
///
/// It stands before the handlers that the router's requests pass, and speaks to the ``ConnectionGuard`` itself, because
/// each handler that a part passes unpacks it anew. The answers go past NIO's encoder, see ``AnswerWriter``.
final class FastLane: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// The next part is a head.
        case idle
        /// A request of the router.
        case passing
        case serving(any LaneCall)
    }

    private let routes: FastRoutes
    private let calls: any FastCallMaker
    private let watcher: ConnectionGuard
    private var context: ChannelHandlerContext?
    /// Where bytes are written: past NIO's encoder.
    private var wire: ChannelHandlerContext?

    private var state = State.idle
    private var hasRequestEnded = false
    private var hasAnswerEnded = false
    private var waiting = CircularBuffer<HTTPServerRequestPart>()
    private var waitingError: (any Error)?
    private var isTaking = false
    private var isReadHeld = false
    private var isFlushDue = false
    private var shouldQuiesce = false
    /// Whether something was put off until the lane is idle; mostly nothing is, and this says so at once.
    private var hasPutOff = false
    private var hasPassed = false

    // Of the call that is served.
    private var isOld = false
    private var isLast = false
    /// The last answer has ended: nothing is read any more (RFC 9112 §9.6).
    private var isOver = false
    private var answer: AnswerWriter?

    /// Makes the lane of one connection.
    ///
    /// - Parameters:
    ///   - routes: Which requests are fast.
    ///   - calls: Makes their calls.
    ///   - watcher: Stands behind the lane, and is told of the fast requests too.
    init(routes: FastRoutes, calls: any FastCallMaker, watcher: ConnectionGuard) {
        self.routes = routes
        self.calls = calls
        self.watcher = watcher
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        do {
            wire = try context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        } catch {
            // Without it no fast call could be answered.
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context _: ChannelHandlerContext) {
        abandon()
        (context, wire) = (nil, nil)
    }

    // MARK: Requests

    /// Whether a request has been read whose answer has not ended.
    private var isBusy: Bool {
        if case .idle = state { return false }
        return hasRequestEnded
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        let part = unwrapInboundIn(data)
        guard !isBusy, !isTaking, waiting.isEmpty else {
            hasPutOff = true
            return waiting.append(part)
        }
        isTaking = true
        take(part, context)
        isTaking = false
        takeWaiting()
    }

    /// Goes on with what was sent ahead, as far as can be.
    private func takeWaiting() {
        guard hasPutOff, !isTaking, let context else { return }
        isTaking = true
        var hasTaken = false
        while !isBusy, let part = waiting.popFirst() {
            take(part, context)
            hasTaken = true
        }
        isTaking = false
        // The router takes what it was given when a turn of reading ends, and for this there is no other.
        if hasTaken { channelReadComplete(context: context) }
        guard waiting.isEmpty else { return }
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
        guard !isBusy else { return }
        if let error = waitingError {
            waitingError = nil
            context.fireErrorCaught(error)
        }
        hasPutOff = shouldQuiesce
        if shouldQuiesce, case .idle = state { context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        if case .end = part { hasRequestEnded = true }
        switch state {
        case .idle:
            guard case .head(let head) = part else { return pass(part, context) }
            (hasRequestEnded, hasAnswerEnded) = (false, false)
            guard head.method == .POST, let match = routes.match(head.uri), serve(head, match, context) else {
                state = .passing
                return pass(part, context)
            }
        case .passing:
            pass(part, context)
            endExchange()
        case .serving(let call):
            switch part {
            case .head: break
            case .body(let bytes):
                watcher.requestDidBring(bytes)
                call.receive(bytes)
            case .end:
                guard watcher.requestDidEnd() else { return }
                call.receiveEnd()
            }
            endExchange()
        }
    }

    private func pass(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        hasPassed = true
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Begins a fast call; false for a request that the guard has to refuse.
    private func serve(_ head: HTTPRequestHead, _ match: FastRoutes.Match, _ context: ChannelHandlerContext) -> Bool {
        let fields = RequestFields(head.headers)
        isOld = head.version == .http1_0
        guard HostRule.refusal(ofHosts: fields.hosts, isOld: isOld) == nil else { return false }
        isLast = isOld || !head.isKeepAlive
        watcher.requestDidBegin(fields, isOld: isOld)
        let call = calls.makeCall(fields, match, on: self, loop: context.eventLoop)
        state = .serving(call)
        call.begin()
        return true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Nobody behind waits for it but the router, and it only if there is something for it.
        guard hasPassed else { return }
        hasPassed = false
        context.fireChannelReadComplete()
    }

    private func endExchange() {
        guard hasRequestEnded, hasAnswerEnded else { return }
        state = .idle
        takeWaiting()
    }

    func read(context: ChannelHandlerContext) {
        // With nothing waiting it is not worth a system call to stop reading: mostly nothing comes.
        if waiting.isEmpty { context.read() } else { isReadHeld = true }
    }

    // MARK: Answers

    /// The router's answers pass here.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        context.write(data, promise: promise)
        guard case .end = part, case .passing = state else { return }
        hasAnswerEnded = true
        endExchange()
    }

    /// Begins a fast call's answer.
    func begin(_ head: AnswerHead) {
        let isRequestUnread = watcher.answerDidBegin()
        answer = AnswerWriter(head, isOld: isOld, isLast: isLast || isRequestUnread)
    }

    /// Writes a piece of its body.
    func write(_ piece: ByteBuffer) {
        do {
            guard let pieces = try answer?.add(piece) else { return }
            for piece in pieces { wire?.write(NIOAny(piece), promise: nil) }
        } catch {
            abort()
        }
    }

    /// Sends what has been written, with what else comes in this turn of the event loop.
    func flushSoon() {
        guard let context, !isFlushDue else { return }
        isFlushDue = true
        context.eventLoop.assumeIsolated().execute { self.flushNow() }
    }

    private func flushNow() {
        isFlushDue = false
        send(promise: nil)
    }

    private func send(promise: EventLoopPromise<Void>?) {
        guard let wire else { return }
        if let bytes = answer?.take() {
            wire.writeAndFlush(NIOAny(bytes), promise: promise)
        } else if let promise {
            wire.writeAndFlush(NIOAny(ByteBuffer()), promise: promise)
        } else {
            wire.flush()
        }
    }

    /// Ends a fast call's answer and sends it; the connection closes then if it has to.
    func end() {
        guard let context else { return }
        do {
            try answer?.end()
        } catch {
            return abort()
        }
        watcher.answerDidEnd()
        if isLast {
            isOver = true
            waiting.removeAll()
            // Closes only when everything is out: what still waited in the channel would be lost.
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            send(promise: written)
        } else {
            send(promise: nil)
        }
        answer = nil
        hasAnswerEnded = true
        endExchange()
    }

    /// Breaks the connection off in the middle of an answer, so that nobody takes it for whole.
    func abort() { context?.close(promise: nil) }

    /// Whether the client takes more.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .serving(let call) = state {
            let isWritable = context.channel.isWritable
            // What waits for more to go out with would keep the client from ever taking more.
            if !isWritable { flushSoon() }
            call.writabilityChanged(to: isWritable)
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Endings

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent where isServing || !waiting.isEmpty:
            // The router knows nothing of this request, and would close the connection under it.
            (shouldQuiesce, hasPutOff) = (true, true)
            return
        case ChannelEvent.inputClosed where isServing:
            // A client that closes its half while it waits has gone: nobody would read the answer.
            context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private var isServing: Bool {
        if case .serving = state { return true }
        return false
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard isBusy || !waiting.isEmpty else { return context.fireErrorCaught(error) }
        // What came before it is answered first.
        (waitingError, hasPutOff) = (error, true)
    }

    func channelInactive(context: ChannelHandlerContext) {
        abandon()
        context.fireChannelInactive()
    }

    private func abandon() {
        waiting.removeAll()
        guard case .serving(let call) = state else { return }
        state = .passing
        call.cancel()
    }
}
