import Foundation

/// The connections that transactions use, as many as there are threads to run them.
///
/// A server that is known to be away is asked by one thread at a time, and not before the back-off has passed; the
/// others fail at once meanwhile, so that nothing piles up. Connections are made when they are needed: a server that
/// comes back is used without a restart.
///
/// `@unchecked Sendable`: `state` is touched under `condition` alone.
final class PostgreSQLPool: @unchecked Sendable {
    private struct State {
        var idle: [PostgreSQLConnection] = []
        /// How many connections there are, idle or lent.
        var count = 0
        var attempts = 0
        var backoff = PostgreSQLBackoff()
        var lastError = DatabaseError.closed
        var isClosed = false

        enum Step {
            case use(PostgreSQLConnection)
            case connect
            case wait(until: ContinuousClock.Instant)
            case refuse(DatabaseError)
        }

        /// Why a transaction has no prospect of a connection; nil if it may have.
        func refusal(_ now: ContinuousClock.Instant) -> DatabaseError? {
            if isClosed { return .closed }
            guard count == 0, let retryAt = backoff.retryAt else { return nil }
            return now < retryAt || attempts > 0 ? lastError : nil
        }

        mutating func next(_ now: ContinuousClock.Instant, until deadline: ContinuousClock.Instant) -> Step {
            if let connection = idle.popLast() { return .use(connection) }
            if let refusal = refusal(now) { return .refuse(refusal) }
            guard now < deadline else { return .refuse(.waitedTooLong) }
            guard let retryAt = backoff.retryAt, now < retryAt || attempts > 0 else {
                attempts += 1
                return .connect
            }
            return .wait(until: min(deadline, max(retryAt, now + .milliseconds(50))))
        }
    }

    let location: PostgreSQLLocation
    let settings: PostgreSQLSettings
    private let condition = NSCondition()
    private var state = State()

    init(location: PostgreSQLLocation, settings: PostgreSQLSettings) {
        self.location = location
        self.settings = settings
    }

    /// Why a transaction that comes now would fail at once; nil if it has a prospect.
    var refusal: DatabaseError? { condition.withLock { state.refusal(.now) } }

    /// Makes a connection and keeps it; says why there is none.
    var connectionFailure: DatabaseError? {
        do {
            giveBack(try lend(fresh: true, until: .now + settings.maximumWait))
            return nil
        } catch {
            return error
        }
    }

    /// Lends a connection; blocks.
    ///
    /// - Parameters:
    ///   - fresh: Whether a connection was just found dead, so that the idle ones are not to be trusted.
    ///   - deadline: When to give up waiting for one.
    /// - Returns: A connection for this thread alone, to be given back or discarded.
    /// - Throws: ``DatabaseError``.
    func lend(fresh: Bool, until deadline: ContinuousClock.Instant) throws(DatabaseError) -> PostgreSQLConnection {
        if fresh { dropIdle() }
        while true {
            switch nextStep(until: deadline) {
            case .use(let connection):
                if !connection.hasUnexpectedInput { return connection }
                discard(connection)
            case .connect:
                // Without success the next step is to wait for a connection of another thread, or to be refused.
                if let connection = connect() { return connection }
            case .wait: continue
            case .refuse(let error): throw error
            }
        }
    }

    /// Takes a connection back that can be used again.
    func giveBack(_ connection: PostgreSQLConnection) {
        condition.withLock {
            if state.isClosed { state.count -= 1 } else { state.idle.append(connection) }
            condition.signal()
        }
    }

    /// Takes a connection back that is to be closed.
    func discard(_ connection: PostgreSQLConnection) {
        condition.withLock {
            state.count -= 1
            condition.signal()
        }
    }

    /// Refuses from now on, and closes what is idle.
    ///
    /// - Returns: Whether this was the first call.
    func close() -> Bool {
        let (wasOpen, idle) = condition.withLock {
            defer {
                state.isClosed = true
                state.count -= state.idle.count
                state.idle = []
                condition.broadcast()
            }
            return (!state.isClosed, state.idle)
        }
        _ = idle
        return wasOpen
    }

    private func connect() -> PostgreSQLConnection? {
        let startedAt = ContinuousClock.now
        do {
            let connection = try PostgreSQLConnection.connect(to: location, deadline: settings.statementDeadline)
            condition.withLock {
                state.attempts -= 1
                state.count += 1
                state.backoff.noteSuccess()
                condition.broadcast()
            }
            return connection
        } catch {
            condition.withLock {
                state.attempts -= 1
                state.lastError = error
                state.backoff.noteFailure(startedAt: startedAt)
                condition.broadcast()
            }
            return nil
        }
    }

    private func dropIdle() {
        let idle = condition.withLock {
            defer {
                state.count -= state.idle.count
                state.idle = []
            }
            return state.idle
        }
        _ = idle
    }

    private func nextStep(until deadline: ContinuousClock.Instant) -> State.Step {
        condition.withLock {
            let now = ContinuousClock.now
            let step = state.next(now, until: deadline)
            // Under the same lock, so that a connection that comes back in between is not missed.
            if case .wait(let end) = step {
                _ = condition.wait(until: Date(timeIntervalSinceNow: now.duration(to: end).inSeconds))
            }
            return step
        }
    }
}
