#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A moment in UTC, to the second.
package struct UnixTime: Hashable, Comparable, Sendable {
    package let secondsSince1970: Int64

    /// Makes a moment from Unix seconds.
    package init(secondsSince1970: Int64) { self.secondsSince1970 = secondsSince1970 }

    package static func < (left: UnixTime, right: UnixTime) -> Bool {
        left.secondsSince1970 < right.secondsSince1970
    }

    /// The moment so much later; stays at the last representable second instead of overflowing.
    package func advanced(bySeconds seconds: Int64) -> UnixTime {
        let (sum, overflow) = secondsSince1970.addingReportingOverflow(seconds)
        return UnixTime(secondsSince1970: overflow ? (seconds < 0 ? .min : .max) : sum)
    }
}

/// Tells the time of day; passed in wherever a record is stamped, so that tests can choose it.
package protocol WallClock: Sendable {
    /// The present moment.
    func now() -> UnixTime
    /// The present moment in microseconds since 1970.
    func microseconds() -> Int64
}

extension WallClock {
    /// A clock that knows seconds alone.
    package func microseconds() -> Int64 { now().secondsSince1970 * 1_000_000 }
}

/// The machine's own clock.
package struct SystemWallClock: WallClock {
    /// Makes the clock.
    package init() {}

    package func now() -> UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(secondsSince1970: Int64(time.tv_sec))
    }

    package func microseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
