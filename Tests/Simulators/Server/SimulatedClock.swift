import Foundation
import Synchronization

/// The providers' clock: the machine's, plus what the tests have put it forward.
final class SimulatedClock: Sendable {
    private let offsetInSeconds = Mutex(0)

    /// Unix time in whole seconds.
    var unixSeconds: Int { unixMilliseconds / 1000 }

    /// Unix time in milliseconds.
    var unixMilliseconds: Int {
        Int(Date().timeIntervalSince1970 * 1000) + offsetInSeconds.withLock { $0 } * 1000
    }

    /// Puts the clock forward.
    func advance(bySeconds seconds: Int) {
        offsetInSeconds.withLock { $0 += seconds }
    }

    /// Gives the machine's time again.
    func reset() {
        offsetInSeconds.withLock { $0 = 0 }
    }
}

extension Int {
    /// This Unix time in seconds as Google prints it: RFC 3339 in UTC, with milliseconds.
    var timestamp: String {
        Date(timeIntervalSince1970: Double(self)).formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        )
    }
}
