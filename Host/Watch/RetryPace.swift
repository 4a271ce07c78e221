/// How long to wait before something that did not work is tried again: longer from time to time.
package struct RetryPace: Sendable {
    /// The first wait.
    package static let shortest: Duration = .seconds(30)
    /// No wait is longer.
    package static let longest: Duration = .seconds(600)

    /// How long to wait now; nil if nothing is to be tried again.
    package private(set) var pause: Duration?

    /// Makes a pace of something that has not been tried.
    package init() {}

    /// Notes an attempt.
    ///
    /// - Parameters:
    ///   - failed: Whether it has to be made again.
    ///   - isRetry: Whether it was made because the one before had failed; any other does not make the wait longer.
    package mutating func note(failed: Bool, isRetry: Bool) {
        if !failed {
            pause = nil
        } else if let last = pause {
            if isRetry { pause = min(last * 2, Self.longest) }
        } else {
            pause = Self.shortest
        }
    }
}
