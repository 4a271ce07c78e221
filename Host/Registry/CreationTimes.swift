import Synchronization

/// Gives the files that this process makes the times by which lists are ordered.
///
/// Two files never have the same one, and a clock that steps back a little does not put a file before an earlier one.
final class CreationTimes: Sendable {
    /// A clock that steps back by more than this was wrong before: it is believed now.
    private static let largestStepInMicroseconds: Int64 = 1_000_000
    private let latest = Mutex<Int64>(0)

    /// The time for a file that is made at this moment, both in microseconds since 1970.
    func next(_ now: Int64) -> Int64 {
        latest.withLock { latest in
            latest = now > latest || now < latest - Self.largestStepInMicroseconds ? now : latest + 1
            return latest
        }
    }
}
