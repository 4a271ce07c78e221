import NIOCore
import NIOHTTP1

/// One request and its answer.
///
/// Used on its event loop only.
package final class UpstreamExchange: DeadlineOwner {
    private enum State {
        case waiting
        case running(UpstreamConnection)
        case finished
    }

    private(set) var request: UpstreamRequest
    /// When the whole exchange must be over.
    let deadline: NIODeadline
    /// Set for what must not meet a dead connection: a second attempt, and a request that is sent once only.
    var needsNewConnection: Bool
    private(set) var isPaused = false

    private let pool: EndpointPool
    private var state = State.waiting
    private(set) var delegate: (any UpstreamDelegate)?
    /// Until when it waits for a connection.
    private var waitEnd: LoopDeadlines.Place?

    init(request: UpstreamRequest, pool: EndpointPool, delegate: any UpstreamDelegate) {
        self.request = request
        self.pool = pool
        self.delegate = delegate
        needsNewConnection = !request.allowsRetry
        deadline = .now() + request.totalTimeout
    }

    // MARK: For its owner

    /// Stops calls to the delegate and reading from the peer.
    package func pauseReading() {
        pool.owner.loop.preconditionInEventLoop()
        isPaused = true
    }

    /// Goes on after a pause; what has already arrived may be delivered before the return.
    package func resumeReading() {
        pool.owner.loop.preconditionInEventLoop()
        guard isPaused else { return }
        isPaused = false
        if case .running(let connection) = state { connection.resumed() }
    }

    /// Ends the exchange; the delegate hears nothing any more, and the connection is closed.
    package func cancel() {
        pool.owner.loop.preconditionInEventLoop()
        let before = state
        finish()
        switch before {
        case .waiting: pool.withdraw(self)
        case .running(let connection): connection.cancel()
        case .finished: break
        }
    }

    // MARK: For the pool and the connection

    /// Whether the request may be sent again after its connection died.
    func mayRetry(onReusedConnection isReused: Bool) -> Bool {
        request.allowsRetry && !needsNewConnection && (isReused || request.isIdempotent)
    }

    /// An answer has begun, so the request is not sent again: its body need not be kept while a long answer comes.
    func forgetBody() { request.body = [] }

    func wait(atMost limit: TimeAmount) {
        state = .waiting
        waitEnd = pool.owner.deadlines.set(in: min(deadline - .now(), limit), for: self)
    }

    package func deadlinePassed() {
        waitEnd = nil
        guard case .waiting = state else { return }
        pool.withdraw(self)
        fail(UpstreamError(.timeout, "no connection to \(pool.endpoint) became free in time"))
    }

    private func stopWaiting() {
        if let waitEnd { pool.owner.deadlines.clear(waitEnd) }
        waitEnd = nil
    }

    func run(on connection: UpstreamConnection) {
        state = .running(connection)
        stopWaiting()
    }

    /// Fails after the current event: for refusals from inside `send`.
    func failSoon(_ error: UpstreamError) {
        pool.owner.soon { self.fail(error) }
    }

    func fail(_ error: UpstreamError) {
        let delegate = delegate
        finish()
        delegate?.upstreamDidFail(error)
    }

    func end(trailers: HTTPHeaders?) {
        let delegate = delegate
        finish()
        delegate?.upstreamDidEnd(trailers: trailers)
    }

    private func finish() {
        state = .finished
        delegate = nil
        stopWaiting()
    }
}
