/// When the workers of a plugin are started again after a death, and when no more is given to any of them.
///
/// Each death in a row doubles the pause before the next start. Deaths are in a row unless the worker lived well for a
/// while between them. From the fifth on the plugin gets no operations until a start has succeeded after it.
struct RestartPace: Sendable {
    static let firstPause: Duration = .milliseconds(10)
    static let longestPause: Duration = .seconds(30)
    static let deathsToOpen = 5
    /// So many good steps, or so long a life, and a death is the first again.
    static let goodSteps: UInt64 = 1000
    static let goodLife: Duration = .seconds(10)

    private(set) var deathsInARow = 0
    /// When the next start is due, while nothing is given to the plugin; nil if operations may begin.
    private(set) var opensAt: ContinuousClock.Instant?

    /// A worker has died, or could not be started.
    ///
    /// - Parameters:
    ///   - life: How long it served.
    ///   - steps: How many good steps all workers have done since the last death.
    ///   - now: The time.
    /// - Returns: The pause before it is started again.
    mutating func noteDeath(life: Duration, steps: UInt64, at now: ContinuousClock.Instant) -> Duration {
        let wasGood = life >= Self.goodLife || steps >= Self.goodSteps
        deathsInARow = wasGood ? 1 : deathsInARow + 1
        let doublings = min(deathsInARow - 1, 16)
        let pause = min(Self.firstPause * (1 << doublings), Self.longestPause)
        if deathsInARow >= Self.deathsToOpen { opensAt = now.advanced(by: pause) }
        return pause
    }

    /// A worker has been started again.
    mutating func noteStart() { opensAt = nil }

    /// How long nothing is given to the plugin from now on, as far as that is known; nil if operations may begin.
    func rest(at now: ContinuousClock.Instant) -> Duration? {
        opensAt.map { max($0 - now, .milliseconds(1)) }
    }
}
