/// What to do with a timer that watches a peer and fires late.
///
/// A process that stood still, or a loop that was busy, did not read either: what the peer has sent meanwhile may still
/// be in its socket, since a turn of the loop reads from a limited number of them before it comes to its timers.
package enum LateTimer {
    /// A loop that is merely busy is not so late.
    private static let leastLateness: Duration = .milliseconds(250)
    private static let secondLook: Duration = .seconds(1)

    /// After how long to look again before the peer is blamed; nil if the timer fired in time.
    ///
    /// - Parameter lateness: From when the timer was due to when it fired.
    /// - Returns: The pause, or nil.
    package static func secondLook(after lateness: Duration) -> Duration? {
        lateness >= leastLateness ? secondLook : nil
    }
}
