import NIOCore
import NIOHTTP1

/// From the decoder to the delegate, at the delegate's pace.
extension UpstreamConnection {
    /// Whether what arrives has to wait for the delegate.
    var isHeld: Bool { isStarting || isDelivering || !held.isEmpty || exchange?.isPaused == true }

    func bytesArrived() {
        hasAnswerByte = true
        lastRead = .now()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // After a failure that waits for a paused delegate, an end of input must not pass for the end of the answer.
        guard exchange != nil, !isComplete, heldFailure == nil else { return }
        let part = unwrapInboundIn(data)
        switch part {
        case .head(let head): receivedHead(head)
        case .body: break
        case .end(let trailers):
            isComplete = true
            self.trailers = trailers
            return
        }
        if isHeld {
            held.append(part)
        } else {
            deliver(part)
        }
    }

    private func receivedHead(_ head: HTTPResponseHead) {
        hasHead = true
        exchange?.forgetBody()
        mayBeReused = head.isKeepAlive
        if sender != nil {
            // RFC 9112 §9.5: an error before the body was sent means that the rest of it is not wanted.
            mayBeReused = false
            if head.status.code >= 300 { stopSending() }
        }
        if head.status == .switchingProtocols {
            fail(UpstreamError(.protocolViolation, "\(endpoint) changed the protocol without having been asked to"))
        } else {
            moveTimer(to: dueTime())
        }
    }

    private func deliver(_ part: HTTPClientResponsePart) {
        guard let delegate = exchange?.delegate else { return }
        switch part {
        case .head(let head):
            delegate.upstreamDidReceiveHead(status: Int(head.status.code), headers: head.headers)
        case .body(let bytes):
            delegate.upstreamDidReceiveBody(bytes)
        case .end:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isComplete, !isHeld { finishExchange() }
        context.fireChannelReadComplete()
    }

    /// NIO asks for the next read here; while the delegate is paused, it does not get it.
    func read(context: ChannelHandlerContext) {
        if exchange?.isPaused == true {
            readIsHeld = true
        } else {
            context.read()
        }
    }

    func resumed() {
        lastRead = .now()
        // The delegate may be inside a call from `deliverHeld`, which then goes on by itself.
        if !isDelivering, !isStarting { deliverHeld() }
    }

    /// Delivers what was held until there is no more of it, the delegate pauses or the exchange is over.
    func deliverHeld() {
        guard let exchange else { return }
        isDelivering = true
        while self.exchange === exchange, !exchange.isPaused, let part = held.popFirst() { deliver(part) }
        isDelivering = false
        guard self.exchange === exchange, !exchange.isPaused else { return }
        if readIsHeld {
            readIsHeld = false
            context?.read()
        }
        if isComplete {
            finishExchange()
        } else if let failure = heldFailure {
            heldFailure = nil
            fail(failure)
        } else {
            moveTimer(to: dueTime())
        }
    }
}
