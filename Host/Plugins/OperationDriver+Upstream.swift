import HostCore
import HostUpstream
import Logging
import NIOCore
import NIOHTTP1

/// What the outstanding request's answer brings becomes events.
extension OperationDriver: UpstreamDelegate {
    package func upstreamDidReceiveHead(status: Int, headers: HTTPHeaders) {
        guard let outstanding else { return }
        answer = (status, headers)
        answerBegan(status: status)
        // An error is a document, whatever framing its request asked for a success.
        if !(200..<300).contains(status) { framer = framer.forErrors }
        enqueue(.head(request: outstanding, status: status, headers: headers))
    }

    package func upstreamDidReceiveBody(_ bytes: ByteBuffer) {
        guard let outstanding else { return }
        if isPiping, events.isEmpty, !isPaused { return client.operationDidPipe(bytes) }
        enqueueFrames(request: outstanding) { (framer) throws(ResponseFramer.TooLarge) in try framer.add(bytes) }
    }

    package func upstreamDidEnd(trailers: HTTPHeaders?) {
        guard let outstanding else { return }
        exchange = nil
        let end = OperationEvent.end(request: outstanding, trailers: trailers)
        enqueueFrames(request: outstanding, then: end) { (framer) throws(ResponseFramer.TooLarge) in
            try framer.finish()
        }
    }

    package func upstreamDidFail(_ error: UpstreamError) {
        guard let outstanding else { return }
        exchange = nil
        // What the operator has to know of the address is for the log: the client learns what the code says.
        target.instance.logger.warning(
            "a provider's request failed",
            metadata: ["deployment.id": "\(target.deployment.id)", "failure": "\(error.message)"]
        )
        enqueue(.failed(request: outstanding, code: Net.code(of: error), detail: ""))
    }

    /// Queues frames and what follows them before the plugin sees the first: by the last it may have asked for another
    /// response under the same number.
    private func enqueueFrames(
        request: UInt32,
        then last: OperationEvent? = nil,
        _ frames: (inout ResponseFramer) throws(ResponseFramer.TooLarge) -> [ResponseFramer.Frame]
    ) {
        do {
            for frame in try frames(&framer) { events.append(.data(request: request, frame.data, event: frame.event)) }
            if let last { events.append(last) }
            advance()
        } catch {
            exchange?.cancel()
            exchange = nil
            let limit = ResponseFramer.maximumFrameBytes >> 20
            let detail = "the answer has more than \(limit) MiB in one piece"
            enqueue(.failed(request: request, code: Net.tooLarge, detail: detail))
        }
    }
}
