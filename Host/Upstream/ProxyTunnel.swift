import HostCore
import NIOCore

/// Asks a proxy for a tunnel to an endpoint (RFC 9110 §9.3.6), and takes itself off the channel when it stands.
final class ProxyTunnel: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let maximumHeadSizeInBytes = 16 * 1024

    private let endpoint: UpstreamEndpoint
    private let proxy: UpstreamProxy
    private let timeout: TimeAmount
    private let opened: EventLoopPromise<Void>
    private var received = ByteBuffer()
    private var isOver = false
    private var timer: Scheduled<Void>?

    private init(
        _ endpoint: UpstreamEndpoint,
        proxy: UpstreamProxy,
        timeout: TimeAmount,
        opened: EventLoopPromise<Void>
    ) {
        self.endpoint = endpoint
        self.proxy = proxy
        self.timeout = timeout
        self.opened = opened
    }

    /// Opens a tunnel on a channel to the proxy; closes the channel if that fails.
    static func open(
        to endpoint: UpstreamEndpoint,
        through proxy: UpstreamProxy,
        on channel: any Channel,
        timeout: TimeAmount
    ) -> EventLoopFuture<any Channel> {
        let opened = channel.eventLoop.makePromise(of: Void.self)
        let tunnel = ProxyTunnel(endpoint, proxy: proxy, timeout: timeout, opened: opened)
        do {
            try channel.pipeline.syncOperations.addHandler(tunnel)
        } catch {
            opened.fail(error)
        }
        return opened.futureResult.map { channel }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        startTimer(timeout, context)
        guard context.channel.isActive else { return fail(ended(), context) }
        // Without the brackets of IPv6 and with the port, whichever it is.
        let host = endpoint.host.utf8.contains(UInt8(ascii: ":")) ? "[\(endpoint.host)]" : endpoint.host
        var head = "CONNECT \(host):\(endpoint.port) HTTP/1.1\r\nHost: \(host):\(endpoint.port)\r\n"
        if let authorization = proxy.authorization { head += "Proxy-Authorization: \(authorization)\r\n" }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head + "\r\n")), promise: nil)
    }

    private func startTimer(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        let due = NIODeadline.now() + time
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) {
            if let pause = LateTimer.secondLook(after: Duration(NIODeadline.now() - due)) {
                return self.startTimer(TimeAmount(pause), context)
            }
            self.fail(UpstreamError(.timeout, "the proxy \(self.proxy) did not open a tunnel in time"), context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        fail(ended(), context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        while !isOver, readAnswer(context) {}
    }

    /// Reads one answer if it is there, and says whether another one follows.
    private func readAnswer(_ context: ChannelHandlerContext) -> Bool {
        guard let end = received.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else {
            if received.readableBytes > Self.maximumHeadSizeInBytes {
                fail(UpstreamError(.protocolViolation, "the proxy \(proxy) sent too long an answer"), context)
            }
            return false
        }
        switch Self.status(received.readableBytesView) {
        // RFC 9110 §15.2: another answer follows.
        case (100..<200)?:
            received.moveReaderIndex(to: end.upperBound)
            return true
        case (200..<300)?: succeed(context, isClean: end.upperBound == received.writerIndex)
        case 407?:
            let advice = "check the user and password of its URL"
            fail(UpstreamError(.connect, "the proxy \(proxy) wants other credentials; \(advice)"), context)
        case let status?:
            fail(UpstreamError(.connect, "the proxy \(proxy) refused a tunnel with status \(status)"), context)
        case nil: fail(UpstreamError(.protocolViolation, "the proxy \(proxy) does not speak HTTP/1.1"), context)
        }
        return false
    }

    /// The number in `HTTP/1.x 200 …`; nil if that is not how it begins.
    private static func status(_ head: ByteBufferView) -> Int? {
        let line = head.prefix(12)
        guard line.count == 12, line.starts(with: "HTTP/1.".utf8) else { return nil }
        return Int(String(decoding: line.suffix(3), as: UTF8.self))
    }

    private func succeed(_ context: ChannelHandlerContext, isClean: Bool) {
        // The client speaks first in TLS: what came already was not sent by the endpoint in answer to us.
        guard isClean else {
            return fail(UpstreamError(.protocolViolation, "the proxy \(proxy) sent bytes ahead of the tunnel"), context)
        }
        isOver = true
        let opened = opened
        context.pipeline.syncOperations.removeHandler(self).cascade(to: opened)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(.opening(proxy.endpoint, error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ended(), context)
        context.fireChannelInactive()
    }

    private func ended() -> UpstreamError {
        UpstreamError(.connect, "the proxy \(proxy) closed the connection before the tunnel to \(endpoint) stood")
    }

    private func fail(_ error: UpstreamError, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        context.close(promise: nil)
        opened.fail(error)
    }
}

@available(*, unavailable)
extension ProxyTunnel: Sendable {}
