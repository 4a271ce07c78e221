import Glibc

/// How long the steps of a plugin took: counts in buckets whose bounds double, and the sum.
///
/// Noting a step costs two additions to atomics and no lock.
struct StepTimes: Sendable {
    private static let shift = 8
    /// The first bucket ends at 256 ns, the last but one at 8.6 s, and the last has no end.
    private static let bounded = 26
    private static let sum = bounded + 1

    /// The longest time that each bucket but the last takes, in nanoseconds.
    static let bounds: [UInt64] = (0..<bounded).map { 1 << ($0 + shift) }

    private let counters = AtomicCounters(bounded + 2)

    /// Counts one step.
    func note(nanoseconds: UInt64) {
        counters.add(to: Self.bucket(of: nanoseconds))
        counters.add(nanoseconds, to: Self.sum)
    }

    /// What has been counted by now.
    var reading: StepTimeReading {
        let values = counters.values
        return StepTimeReading(buckets: Array(values[..<Self.sum]), sumInNanoseconds: values[Self.sum])
    }

    static func bucket(of nanoseconds: UInt64) -> Int {
        // A bucket holds its bound: 256 ns belong to the first.
        let above = (max(nanoseconds, 1) - 1) >> shift
        return min(UInt64.bitWidth - above.leadingZeroBitCount, bounded)
    }
}

/// A copy of the step times of a plugin.
package struct StepTimeReading: Hashable, Sendable {
    /// Steps by how long they took; one more than there are ``bounds``, for those that took longer.
    package let buckets: [UInt64]
    /// What they took together.
    package let sumInNanoseconds: UInt64

    /// The longest time that each bucket but the last takes, in nanoseconds.
    package static var bounds: [UInt64] { StepTimes.bounds }

    /// All steps.
    package var count: UInt64 { buckets.reduce(0, &+) }

    /// The bound of the bucket in which the step lies that is at least as long as a share of all; nil without steps.
    ///
    /// - Parameter share: 0.5 for the median, 0.99 for all but the slowest of a hundred.
    /// - Returns: Nanoseconds; `.max` if it lies in the bucket without an end.
    package func bound(of share: Double) -> UInt64? {
        let count = count
        guard count > 0 else { return nil }
        let wanted = UInt64((Double(count) * share).rounded(.up))
        var seen: UInt64 = 0
        for (bucket, number) in buckets.enumerated() {
            seen += number
            if seen >= max(wanted, 1) { return bucket < Self.bounds.count ? Self.bounds[bucket] : .max }
        }
        return .max
    }
}

/// The clock that steps are timed with.
enum StepClock {
    /// Nanoseconds since the machine was started.
    ///
    /// `ContinuousClock` is not used: its 128-bit durations cost more than the call.
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
