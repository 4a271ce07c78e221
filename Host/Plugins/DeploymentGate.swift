import HostCore
import NIOCore
import Synchronization

/// How many operations of a deployment may run and wait.
package struct GateLimits: Hashable, Sendable {
    /// As many run at the same time, over all event loops; nil for any number.
    package let running: Int?
    /// As many wait for their turn; more are refused at once.
    package let waiting: Int
    /// So long they wait.
    package let longestWait: Duration

    /// Makes limits; by default twice as many wait as run, but 16 at least and 1024 at most, each for 10 s at most.
    package init(running: Int?, waiting: Int? = nil, longestWait: Duration = .seconds(10)) {
        self.running = running
        self.waiting = waiting ?? min(max(16, (running ?? 0) * 2), 1024)
        self.longestWait = longestWait
    }
}

/// Lets the operations of one deployment begin: so many at a time, the others in the order in which they came; and
/// judges from their ends whether the deployment should be chosen.
///
/// A lock and no task: entering a gate where there is room and nothing to spare costs two integers.
final class DeploymentGate: Sendable {
    /// Whether an operation may begin.
    enum Admission: Sendable {
        case admitted(CircuitBreaker.Ticket)
        /// The operation's turn comes later, on its event loop.
        case waits(Place)
        /// There is no room now, and the operation may not wait.
        case occupied
        /// As many wait as may.
        case full
    }

    /// A place in the queue.
    struct Place: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Waiter: Sendable {
        let place: Place
        let loop: any EventLoop
        let turn: @Sendable (CircuitBreaker.Ticket) -> Void
    }

    private struct State {
        var limits: GateLimits
        var breaker: CircuitBreaker
        var running = 0
        var nextNumber: UInt64 = 0
        var waiting = CircularBuffer<Waiter>()

        var isFull: Bool { limits.running.map { running >= $0 } ?? false }
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> ContinuousClock.Instant

    /// Makes a gate.
    ///
    /// - Parameters:
    ///   - limits: How many may run and wait.
    ///   - cooldown: When the deployment should be spared.
    ///   - now: The clock of the breaker.
    init(
        limits: GateLimits,
        cooldown: CooldownRules,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.now = now
        state = Mutex(State(limits: limits, breaker: CircuitBreaker(rules: cooldown)))
    }

    /// How many may run and wait now.
    var limits: GateLimits { state.withLock { $0.limits } }

    /// The configuration has changed: those who wait and have room now have their turn.
    ///
    /// - Parameters:
    ///   - limits: How many may run and wait; those that run go on in any case.
    ///   - cooldown: When the deployment should be spared.
    ///   - forgets: Whether it is another deployment as far as its health goes.
    func follow(_ limits: GateLimits, _ cooldown: CooldownRules, forgets: Bool) {
        let next = state.withLock { state in
            state.limits = limits
            if forgets || state.breaker.rules != cooldown { state.breaker.follow(cooldown, forgets: forgets) }
            var next: [(waiter: Waiter, ticket: CircuitBreaker.Ticket)] = []
            while !state.isFull, let waiter = state.waiting.popFirst() {
                state.running += 1
                next.append((waiter, state.breaker.begin(at: now())))
            }
            return next
        }
        for (waiter, ticket) in next { waiter.loop.execute { waiter.turn(ticket) } }
    }

    /// How the deployment does.
    var standing: DeploymentStanding {
        let (running, waiting, isFull, rest) = state.withLock { state in
            let rest = state.breaker.isClosed ? nil : state.breaker.remainingRest(at: now())
            return (state.running, state.waiting.count, state.isFull, rest)
        }
        return DeploymentStanding(outstanding: running + waiting, isFull: isFull, rest: rest)
    }

    /// An operation wants to begin.
    ///
    /// - Parameters:
    ///   - loop: The operation's event loop.
    ///   - mayWait: Whether it may have its turn later.
    ///   - turn: Makes what is called there, later, if the operation has to wait; the call is answered with
    ///     ``leave(_:_:)``.
    /// - Returns: Whether the operation begins now, later or not at all.
    func enter(
        on loop: any EventLoop,
        mayWait: Bool = true,
        turn: () -> @Sendable (CircuitBreaker.Ticket) -> Void
    ) -> Admission {
        state.withLock { state in
            guard state.isFull else {
                state.running += 1
                return .admitted(state.breaker.begin(at: now()))
            }
            guard mayWait else { return .occupied }
            guard state.waiting.count < state.limits.waiting else { return .full }
            state.nextNumber += 1
            let place = Place(number: state.nextNumber)
            state.waiting.append(Waiter(place: place, loop: loop, turn: turn()))
            return .waits(place)
        }
    }

    /// A waiting operation wants its turn no longer.
    ///
    /// - Returns: False if its turn has come already: the call is on its way.
    func withdraw(_ place: Place) -> Bool {
        state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.place == place }) else { return false }
            state.waiting.remove(at: index)
            return true
        }
    }

    /// A provider has begun to answer an operation that was admitted.
    func note(_ ticket: CircuitBreaker.Ticket, _ sign: HealthSign) {
        state.withLock { $0.breaker.end(ticket, sign, at: now()) }
    }

    /// An operation that was admitted has ended; the next one's turn comes.
    func leave(_ ticket: CircuitBreaker.Ticket, _ sign: HealthSign) {
        let next: (waiter: Waiter, ticket: CircuitBreaker.Ticket)? = state.withLock { state in
            state.breaker.end(ticket, sign, at: now())
            state.running -= 1
            guard !state.isFull, let waiter = state.waiting.popFirst() else { return nil }
            state.running += 1
            return (waiter, state.breaker.begin(at: now()))
        }
        guard let next else { return }
        next.waiter.loop.execute { next.waiter.turn(next.ticket) }
    }
}

extension OperationKind {
    /// Whether the gate lets operations of this kind pass uncounted: a token is made for one that runs, and what a probe
    /// finds is told to whoever asked for it.
    var passesGate: Bool { self == .credential || self == .probe }
}

extension OperationFailure {
    /// What this says about the deployment; what a client can bring about says nothing against it.
    var healthSign: HealthSign {
        switch reason {
        case .rateLimit, .upstreamUnavailable:
            if let retryAfter, retryAfter > .zero { .asksForRest(retryAfter) } else { .failed }
        case .upstreamTimeout, .upstreamProtocol, .quota: .failed
        // RFC 9110 §15.5.4: a 403 may be about what was asked for; a 401 is about the deployment's own key.
        case .upstreamAuthentication: upstreamStatus == 401 ? .failed : .unknown
        case .invalid, .unsupported, .notFound, .conflict, .tooLarge, .contextLength, .filtered:
            upstreamStatus > 0 ? .answered : .unknown
        case .cancelled, .internalError, .pluginFailed, .journalUnavailable: .unknown
        }
    }
}
