/// When a deployment is spared.
package struct CooldownRules: Hashable, Sendable {
    /// As many failures in a row are let pass; nil if no deployment is ever spared.
    package let allowedFailures: Int?
    /// For how long a deployment that fails is not chosen.
    package let cooldown: Duration

    /// A failure counts with the one before only if it comes this soon after it.
    static let memory: Duration = .seconds(60)
    /// A provider that asks to be left alone for longer is asked again after this.
    static let longestRetryAfter: Duration = .seconds(60)

    /// Makes rules; the defaults are LiteLLM's.
    package init(allowedFailures: Int? = 3, cooldown: Duration = .seconds(5)) {
        self.allowedFailures = allowedFailures
        self.cooldown = cooldown
    }

    /// No deployment is ever spared.
    package static let none = CooldownRules(allowedFailures: nil)
}

/// What one operation says about the health of its deployment.
package enum HealthSign: Hashable, Sendable {
    /// The provider answered, be it to refuse what a client asked for.
    case answered
    /// The provider is out of order or out of reach.
    case failed
    /// The provider asks to be left alone for so long.
    case asksForRest(Duration)
    /// Nothing: the client went away, or the gateway is at fault.
    case unknown
}

/// Whether a deployment should be chosen, judged by how its last operations ended.
///
/// ```
/// closed ──► open ──► probing
///   ▲          ▲  when due  │
///   └──────────┴────────────┘
/// ```
///
/// It opens at more failures in a row than are allowed, and at once when the provider asks for rest. When the time is
/// over one operation probes: its end closes or opens it again. What began before the last change says nothing about
/// the time after it and is not counted.
package struct CircuitBreaker: Sendable {
    private enum State {
        case closed(failures: Int, last: ContinuousClock.Instant?)
        case open(until: ContinuousClock.Instant)
        case probing(since: ContinuousClock.Instant)
    }

    /// Under which state an operation began.
    package struct Ticket: Hashable, Sendable {
        fileprivate let generation: UInt32
        fileprivate let isProbe: Bool
        /// Whether the breaker was not closed: then the first sign of an answer is worth telling, because the end of a
        /// long one may be far.
        package let wantsEarlySign: Bool
    }

    package private(set) var rules: CooldownRules
    private var state = State.closed(failures: 0, last: nil)
    private var generation: UInt32 = 0

    /// Makes a breaker that is closed.
    package init(rules: CooldownRules) { self.rules = rules }

    /// Goes on under other rules.
    ///
    /// - Parameters:
    ///   - rules: When a deployment is spared from now on.
    ///   - forgets: Whether what was seen until now says nothing any more: the deployment is another one.
    package mutating func follow(_ rules: CooldownRules, forgets: Bool) {
        self.rules = rules
        if forgets || rules.allowedFailures == nil { change(to: .closed(failures: 0, last: nil)) }
    }

    /// Whether there is nothing to spare, without a look at the clock.
    package var isClosed: Bool {
        if case .closed = state { return true }
        return false
    }

    /// For how long the deployment should not be chosen if there is another; nil if it may be.
    package func remainingRest(at now: ContinuousClock.Instant) -> Duration? {
        switch state {
        case .closed: nil
        case .open(let until): until > now ? now.duration(to: until) : nil
        // A probe that takes longer than the rest did makes room for another one.
        case .probing(let since): remaining(since.advanced(by: probePatience), now)
        }
    }

    private func remaining(_ end: ContinuousClock.Instant, _ now: ContinuousClock.Instant) -> Duration? {
        end > now ? now.duration(to: end) : nil
    }

    private var probePatience: Duration { max(rules.cooldown, .seconds(1)) }

    /// An operation begins.
    ///
    /// - Parameter now: Asked only if the breaker is not closed.
    /// - Returns: What ``end(_:_:at:)`` wants.
    package mutating func begin(at now: @autoclosure () -> ContinuousClock.Instant) -> Ticket {
        guard !isClosed else { return ticket(isProbe: false) }
        let now = now()
        guard remainingRest(at: now) == nil else { return ticket(isProbe: false) }
        if case .probing = state {
            // The probe before may still tell.
            state = .probing(since: now)
        } else {
            change(to: .probing(since: now))
        }
        return ticket(isProbe: true)
    }

    private func ticket(isProbe: Bool) -> Ticket {
        Ticket(generation: generation, isProbe: isProbe, wantsEarlySign: !isClosed)
    }

    /// An operation has ended, or has told how it will; only the first call for a change counts.
    ///
    /// - Parameters:
    ///   - ticket: What ``begin(at:)`` gave it.
    ///   - sign: How it ended.
    ///   - now: Asked only if that changes anything.
    package mutating func end(
        _ ticket: Ticket,
        _ sign: HealthSign,
        at now: @autoclosure () -> ContinuousClock.Instant
    ) {
        guard rules.allowedFailures != nil, ticket.generation == generation else { return }
        switch sign {
        case .answered: answered()
        case .failed: failed(ticket, at: now())
        case .asksForRest(let wish): rest(for: max(min(wish, CooldownRules.longestRetryAfter), .zero), from: now())
        case .unknown: if ticket.isProbe { change(to: .open(until: now())) }
        }
    }

    private mutating func answered() {
        if case .closed(failures: 0, _) = state { return }
        if isClosed { state = .closed(failures: 0, last: nil) } else { change(to: .closed(failures: 0, last: nil)) }
    }

    private mutating func failed(_ ticket: Ticket, at now: ContinuousClock.Instant) {
        switch state {
        case .probing where ticket.isProbe: change(to: .open(until: now.advanced(by: rules.cooldown)))
        // Tried for want of another: that it goes on failing does not put off the probe.
        case .probing, .open: break
        case .closed(let failures, let last):
            let isRow = last.map { $0.advanced(by: CooldownRules.memory) > now } ?? false
            let count = isRow ? failures + 1 : 1
            state = .closed(failures: count, last: now)
            guard count > rules.allowedFailures ?? .max else { return }
            change(to: .open(until: now.advanced(by: rules.cooldown)))
        }
    }

    private mutating func rest(for wish: Duration, from now: ContinuousClock.Instant) {
        let end = now.advanced(by: wish)
        if case .open(let until) = state {
            state = .open(until: max(until, end))
            return
        }
        change(to: .open(until: end))
    }

    private mutating func change(to new: State) {
        state = new
        generation &+= 1
    }
}
