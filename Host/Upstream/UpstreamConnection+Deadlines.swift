import HostCore
import NIOCore

/// One timer a connection, moved lazily: a deadline that moves away leaves it alone, and when it fires too early it is
/// set again. So an exchange on a warm connection neither makes nor cancels a timer.
extension UpstreamConnection {
    /// When something must have happened, in the state of now.
    func dueTime() -> NIODeadline {
        switch phase {
        case .opening: openingSince + configuration.connectTimeout
        case .idle: idleSince + configuration.idleLifetime
        case .running: min(exchange?.deadline ?? .distantFuture, stallTime())
        case .closed: .distantFuture
        }
    }

    /// When the peer, or the disk, has made no progress for too long.
    private func stallTime() -> NIODeadline {
        if let sender { return sender.lastProgress + configuration.writeStallTimeout }
        if !hasHead { return sentAt + configuration.firstByteTimeout }
        if exchange?.isPaused == true { return .distantFuture }
        return lastRead + configuration.idleReadTimeout
    }

    /// Makes sure that the timer fires at this time or before.
    func moveTimer(to time: NIODeadline) {
        guard time < timerFires else { return }
        timer?.cancel()
        timerFires = time
        timer = loop.assumeIsolated().scheduleTask(deadline: time) { self.timerFired() }
    }

    func stopTimer() {
        timer?.cancel()
        timer = nil
    }

    private func timerFired() {
        let now = NIODeadline.now()
        let lateness = Duration(now - timerFires)
        timer = nil
        timerFires = .distantFuture
        let due = dueTime()
        guard due <= now else { return moveTimer(to: due) }
        if let pause = LateTimer.secondLook(after: lateness) { return moveTimer(to: now + TimeAmount(pause)) }
        fail(timeoutError(), evenIfHeld: true)
    }

    private func timeoutError() -> UpstreamError {
        if phase == .opening {
            return UpstreamError(.timeout, "TLS with \(endpoint) was not ready in time")
        }
        if let exchange, exchange.deadline <= .now() {
            return UpstreamError(.timeout, "\(endpoint) did not answer completely in the time the request was given")
        }
        if sender?.isStarved == true {
            return UpstreamError(.timeout, "a file that is sent to \(endpoint) while it comes in did not grow in time")
        }
        if sender != nil {
            return UpstreamError(.timeout, "\(endpoint) stopped taking the request's body")
        }
        return UpstreamError(
            .timeout,
            "\(endpoint) " + (hasHead ? "stopped sending its answer" : "did not answer in time")
        )
    }
}
