import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS

/// One connection: runs exchanges one after the other, and is the last handler of its channel.
///
/// ```
/// opening ──► idle ◄──► running
///    └─────────┴──────────┴────► closed
/// ```
///
/// An answer ends in `channelReadComplete` and not with its last byte: bytes that follow it in the same read make the
/// decoder fail, so they are never taken for the answer to the next request.
final class UpstreamConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    enum Phase {
        case opening
        case idle
        case running
        case closed
    }

    let pool: EndpointPool
    var phase = Phase.opening
    var context: ChannelHandlerContext?
    var wire: WireHandler?
    let decoder: HTTPResponseDecoder

    // The exchange, if one runs.
    var exchange: UpstreamExchange?
    var isReused = false
    /// While the request is being written nothing is delivered, so that `send` never calls its delegate.
    var isStarting = false
    var sender: BodySender?
    var hasAnswerByte = false
    var hasHead = false
    var isComplete = false
    var trailers: HTTPHeaders?
    var mayBeReused = false
    /// What arrived while the reader was paused: at most what one turn of the event loop reads, or the socket's buffer
    /// when the peer has closed.
    var held = CircularBuffer<HTTPClientResponsePart>(initialCapacity: 4)
    var heldFailure: UpstreamError?
    var isDelivering = false
    var readIsHeld = false

    // Deadlines, see UpstreamConnection+Deadlines.swift.
    var timer: Scheduled<Void>?
    var timerFires = NIODeadline.distantFuture
    private(set) var openingSince = NIODeadline.now()
    var idleSince = NIODeadline.now()
    var sentAt = NIODeadline.now()
    var lastRead = NIODeadline.now()

    private var head = ByteBuffer()

    var loop: any EventLoop { pool.owner.loop }
    var endpoint: UpstreamEndpoint { pool.endpoint }
    var configuration: UpstreamConfiguration { pool.owner.configuration }

    init(pool: EndpointPool) {
        self.pool = pool
        decoder = HTTPResponseDecoder(limitConfiguration: pool.owner.opener.limits)
    }

    // MARK: Opening

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if endpoint.scheme == .https {
            moveTimer(to: dueTime())
        } else {
            // The pool may call delegates and send: not from inside the set-up of the pipeline.
            pool.owner.soon { self.becameReady() }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { handshakeCompleted(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func handshakeCompleted(_ context: ChannelHandlerContext) {
        do {
            if !endpoint.isAddress {
                let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()
                guard let certificate, ServerIdentity.certificate(certificate, covers: endpoint.host) else {
                    throw NIOSSLExtraError.failedToValidateHostname
                }
            }
            becameReady()
        } catch {
            failedToOpen(.opening(endpoint, error))
        }
    }

    private func becameReady() {
        guard phase == .opening else { return }
        phase = .idle
        pool.opened(self)
    }

    /// The time so far does not count: this process stood still.
    func openingBeginsAgain() { openingSince = .now() }

    func failedToOpen(_ error: UpstreamError) {
        guard phase == .opening else { return }
        phase = .closed
        stopTimer()
        closeChannel()
        pool.failedToOpen(self, error)
    }

    func becameIdle() {
        idleSince = .now()
        moveTimer(to: dueTime())
    }

    // MARK: Sending

    func start(_ exchange: UpstreamExchange, isReused: Bool) {
        phase = .running
        self.exchange = exchange
        self.isReused = isReused
        hasAnswerByte = false
        hasHead = false
        isComplete = false
        mayBeReused = false
        trailers = nil
        isStarting = true
        exchange.run(on: self)
        write(exchange.request)
        isStarting = false
        if !held.isEmpty || heldFailure != nil || isComplete {
            pool.owner.soon { if self.exchange === exchange { self.deliverHeld() } }
        } else if self.exchange === exchange {
            moveTimer(to: dueTime())
        }
    }

    private func write(_ request: UpstreamRequest) {
        sentAt = .now()
        lastRead = sentAt
        guard context != nil, let wire else {
            return fail(UpstreamError(.reset, "the connection to \(endpoint) broke"))
        }
        // The decoder has to know whether the answer has a body; nothing else of this head is used.
        decoder.write(data: request.head.isHead ? Self.headOfHead : Self.headOfAny)
        head.clear()
        // Through a tunnel the provider is spoken to as if there were no proxy.
        request.writeHead(through: endpoint.scheme == .http ? pool.proxy : nil, into: &head)
        guard let pieces = BodySender.smallBody(of: request) else {
            wire.write(head)
            let sender = BodySender(pieces: request.body, connection: self, filePool: pool.owner.filePool)
            self.sender = sender
            return sender.proceed()
        }
        let isCopied = request.bodySizeInBytes <= Self.largestCopiedBody
        if isCopied { head.writeBytes(of: pieces) }
        wire.write(head)
        if !isCopied {
            for case .bytes(let buffer) in pieces where buffer.readableBytes > 0 { wire.write(buffer) }
        }
        wire.flush()
    }

    /// A write costs about 1,700 instructions on its way through the channel, whatever its length: the few pieces of a
    /// short body are copied behind the head.
    private static let largestCopiedBody: Int64 = 8 * 1_024
    private static let headOfHead = HTTPClientRequestPart.head(.init(version: .http1_1, method: .HEAD, uri: "/"))
    private static let headOfAny = HTTPClientRequestPart.head(.init(version: .http1_1, method: .POST, uri: "/"))

    func stopSending() {
        sender?.stop()
        sender = nil
    }

    func bodyWasSent() {
        sender = nil
        sentAt = .now()
        if exchange != nil { moveTimer(to: dueTime()) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        sender?.proceed()
        context.fireChannelWritabilityChanged()
    }

    // MARK: Ending

    /// Hands the connection back or closes it, then tells the delegate.
    func finishExchange() {
        guard let exchange else { return }
        let trailers = trailers
        let canServeAgain = mayBeReused && sender == nil && phase == .running && context?.channel.isActive == true
        detach()
        if canServeAgain {
            phase = .idle
            pool.release(self)
        } else {
            close()
        }
        exchange.end(trailers: trailers)
    }

    /// Ends the exchange, or a connection without one, because of an error.
    ///
    /// - Parameters:
    ///   - error: What went wrong; whether the request was sent and answered is filled in here.
    ///   - evenIfHeld: Tells a paused delegate at once instead of after what it has not read yet.
    func fail(_ error: UpstreamError, evenIfHeld: Bool = false) {
        if phase == .opening { return failedToOpen(error) }
        guard let exchange else { return close() }
        var error = error
        error.wasSent = true
        error.wasAnswered = hasAnswerByte
        if evenIfHeld {
            detach()
            close()
            exchange.fail(error)
        } else if isComplete {
            mayBeReused = false
            if !isHeld { finishExchange() }
        } else if error.code == .reset, !hasAnswerByte, mayRetry(exchange) {
            detach()
            pool.retry(exchange)
            close()
        } else if isHeld {
            heldFailure = heldFailure ?? error
            closeChannel()
        } else {
            detach()
            close()
            exchange.fail(error)
        }
    }

    private func mayRetry(_ exchange: UpstreamExchange) -> Bool {
        !isStarting && !pool.owner.isShutDown && exchange.mayRetry(onReusedConnection: isReused)
    }

    /// Closes because the exchange's owner has lost interest.
    func cancel() {
        detach()
        close()
    }

    /// Forgets the exchange.
    private func detach() {
        exchange = nil
        stopSending()
        held.removeAll(keepingCapacity: true)
        heldFailure = nil
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        stopTimer()
        closeChannel()
        pool.closed(self)
    }

    private func closeChannel() {
        context?.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(phase == .opening ? .opening(endpoint, error) : .running(endpoint, error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(
            phase == .opening
                ? UpstreamError(.connect, "\(endpoint) closed the connection before it was ready")
                : UpstreamError(.reset, "\(endpoint) closed the connection before its answer was complete")
        )
        context.fireChannelInactive()
    }
}

@available(*, unavailable)
extension UpstreamConnection: Sendable {}
