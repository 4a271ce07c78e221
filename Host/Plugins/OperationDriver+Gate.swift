import HostCore
import NIOCore

/// An operation begins when the gate of its deployment lets it in, and tells the gate how it ended.
extension OperationDriver {
    /// - Returns: False if there is no room and it may not wait.
    func enterGate(mayWait: Bool) -> Bool {
        guard !request.kind.passesGate else {
            begin()
            return true
        }
        let admission = target.gate.enter(on: loop, mayWait: mayWait) {
            let driver = NIOLoopBound(self, eventLoop: loop)
            return { driver.value.turnCame($0) }
        }
        switch admission {
        case .admitted(let ticket):
            self.ticket = ticket
            begin()
        case .waits(let place):
            self.place = place
            let longestWait = min(target.gate.limits.longestWait, target.deployment.timeout)
            startQueueTimer(TimeAmount(longestWait))
        case .occupied: return false
        case .full: end(.failure(busy("as many wait as may")))
        }
        return true
    }

    private func startQueueTimer(_ time: TimeAmount) {
        let due = loop.now + time
        queueTimer = loop.assumeIsolated().scheduleTask(deadline: due) {
            // Those before it may have been answered while nobody read.
            if let pause = LateTimer.secondLook(after: Duration(self.loop.now - due)) {
                return self.startQueueTimer(TimeAmount(pause))
            }
            self.waitedTooLong()
        }
    }

    private func turnCame(_ ticket: CircuitBreaker.Ticket) {
        place = nil
        queueTimer?.cancel()
        // It was on its way when the operation ended.
        guard !hasEnded else { return target.gate.leave(ticket, .unknown) }
        self.ticket = ticket
        begin()
    }

    private func waitedTooLong() {
        // If its turn has come already, it begins in a moment.
        guard let place, target.gate.withdraw(place) else { return }
        self.place = nil
        end(.failure(busy("none of them ended in time")))
    }

    /// The answer to a probe has begun well: others need not wait for its end.
    func answerBegan(status: Int) {
        guard let ticket, ticket.wantsEarlySign, (200..<300).contains(status) else { return }
        target.gate.note(ticket, .answered)
    }

    /// Makes room for the next operation; called once, at the end.
    func leaveGate(_ outcome: Result<OperationResult, OperationFailure>) {
        queueTimer?.cancel()
        if let place, target.gate.withdraw(place) { self.place = nil }
        guard let ticket else { return }
        self.ticket = nil
        target.gate.leave(ticket, healthSign(outcome))
    }

    private func healthSign(_ outcome: Result<OperationResult, OperationFailure>) -> HealthSign {
        guard case .failure(let failure) = outcome else { return .answered }
        // That a long answer did not end in time may be its reader's doing.
        let isAnswered = answer.map { (200..<300).contains($0.status) } ?? false
        if failure.reason == .upstreamTimeout, isAnswered || isPaused { return .unknown }
        return failure.healthSign
    }

    private func busy(_ why: String) -> OperationFailure {
        let limit = target.gate.limits.running ?? 0
        return OperationFailure(
            .rateLimit,
            "\(limit) requests are running there, which is its max_parallel_requests, and \(why). Try again in a moment.",
            retryAfter: .seconds(1),
            isRetryable: true,
            mayFallBack: true
        )
    }
}
