/// When a server that did not answer is asked again: after 100 ms at first, after 5 s at last.
struct PostgreSQLBackoff: Sendable {
    private static let shortest = 0.1
    private static let longest = 5.0

    private var failures = 0
    /// Before this moment nobody asks; nil while the server is believed to be there.
    private(set) var retryAt: ContinuousClock.Instant?

    /// Notes that an attempt failed.
    ///
    /// - Parameters:
    ///   - startedAt: When the attempt began; of several at the same time, one counts.
    ///   - now: The present moment.
    ///   - jitter: 0 to 1; spreads the attempts of many hosts.
    mutating func noteFailure(
        startedAt: ContinuousClock.Instant,
        now: ContinuousClock.Instant = .now,
        jitter: Double = .random(in: 0...1)
    ) {
        if let retryAt, startedAt < retryAt { return }
        let longest = min(Self.longest, Self.shortest * Double(1 << min(failures, 10)))
        failures += 1
        retryAt = now + .seconds(longest * (0.5 + jitter / 2))
    }

    /// Notes that the server answered.
    mutating func noteSuccess() { self = PostgreSQLBackoff() }
}
