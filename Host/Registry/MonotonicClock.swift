/// Tells how much time has passed; passed in wherever something ages, so that tests can choose it.
package protocol MonotonicClock: Sendable {
    /// The time since some fixed moment; never goes back.
    func now() -> Duration
}

/// The machine's own clock.
package struct SystemMonotonicClock: MonotonicClock {
    private static let start = ContinuousClock.now

    /// Makes the clock.
    package init() {}

    package func now() -> Duration { Self.start.duration(to: .now) }
}
