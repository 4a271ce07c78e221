import NIOCore

/// One connection of a load, with at most one request under way.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Exchange {
        /// When it should have been sent; its latency counts from here.
        let due: NIODeadline
        var firstByte: NIODeadline?
        var status = 0
        var received = 0
        var closes = false
        var tail: [UInt8] = []
    }

    private let run: LoadRun
    private let plan: LoadPlan
    private var parser = MessageParser(.response)
    private var exchange: Exchange?
    private var unsentFiller = 0
    private var owesEnd = false
    private var isSending = false
    private var context: ChannelHandlerContext?

    init(run: LoadRun, plan: LoadPlan) {
        self.run = run
        self.plan = plan
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        run.isIdle(self)
    }

    /// Sends the request that was due at a time, which may have passed.
    func send(due: NIODeadline) {
        guard let context else { return }
        exchange = Exchange(due: due)
        unsentFiller = plan.request.fillerLength
        owesEnd = plan.request.end.readableBytes > 0
        if unsentFiller == 0, !owesEnd {
            context.writeAndFlush(wrapOutboundOut(plan.request.begin), promise: nil)
        } else {
            context.write(wrapOutboundOut(plan.request.begin), promise: nil)
            sendRest(context)
            context.flush()
        }
    }

    func close() {
        context?.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        sendRest(context)
    }

    private func sendRest(_ context: ChannelHandlerContext) {
        // A flush below makes the channel writable again and comes back here.
        guard !isSending else { return }
        isSending = true
        defer { isSending = false }
        while unsentFiller > 0 || owesEnd, context.channel.isWritable {
            if unsentFiller > 0 {
                let piece = Filler.slice(unsentFiller)
                unsentFiller -= piece.readableBytes
                context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
            } else {
                owesEnd = false
                context.writeAndFlush(wrapOutboundOut(plan.request.end), promise: nil)
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data))
        do {
            while let part = try parser.next() { receive(part, context) }
        } catch {
            fail(.protocolError, context)
        }
    }

    private func receive(_ part: MessagePart, _ context: ChannelHandlerContext) {
        guard exchange != nil else { return fail(.protocolError, context) }
        switch part {
        case .head(let head):
            exchange?.status = head.status
            exchange?.closes = head.closes
        case .body(let piece):
            if plan.measuresFirstByte, exchange?.firstByte == nil { exchange?.firstByte = .now() }
            exchange?.received += piece.readableBytes
            if !plan.expectedTail.isEmpty { keepTail(piece) }
        case .end:
            finish(context)
        }
    }

    private func keepTail(_ piece: ByteBuffer) {
        let length = plan.expectedTail.count
        guard var tail = exchange?.tail else { return }
        tail += piece.readableBytesView.suffix(length)
        exchange?.tail = tail.suffix(length)
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let exchange else { return }
        let problem: LoadProblem? =
            if exchange.status != plan.expectedStatus {
                .status
            } else if let length = plan.expectedLength, length != exchange.received {
                .length
            } else if exchange.tail != plan.expectedTail {
                .tail
            } else if unsentFiller > 0 || owesEnd {
                .protocolError
            } else {
                nil
            }
        if let problem { return fail(problem, context, status: exchange.status) }
        self.exchange = nil
        run.received(due: exchange.due, firstByte: exchange.firstByte, bytes: exchange.received)
        if exchange.closes { context.close(promise: nil) } else { run.isIdle(self) }
    }

    private func fail(_ problem: LoadProblem, _ context: ChannelHandlerContext, status: Int = 0) {
        if exchange != nil {
            exchange = nil
            run.failed(problem, status: status)
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if exchange != nil, parser.endsWithConnection { finish(context) }
        if exchange != nil {
            exchange = nil
            run.failed(.closed)
        }
        self.context = nil
        run.closed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(.closed, context)
    }
}
