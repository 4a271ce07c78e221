import FoundationEssentials
import Histogram

/// What was measured, in microseconds, printed as one line of JSON.
struct BenchReport: Encodable {
    let count: Int
    let failures: Int
    let p50: Double
    let p90: Double
    let p99: Double
    let p999: Double
    let max: Double
    let mean: Double

    init(_ times: BenchTimes, failures: Int = 0) {
        let histogram = times.histogram
        func at(_ percentile: Double) -> Double {
            histogram.totalCount == 0 ? 0 : Double(histogram.valueAtPercentile(percentile)) / 1000
        }
        count = Int(histogram.totalCount)
        self.failures = failures
        (p50, p90, p99, p999, max) = (at(50), at(90), at(99), at(99.9), at(100))
        mean = count == 0 ? 0 : histogram.mean / 1000
    }

    func print() throws {
        Swift.print(String(decoding: try JSONEncoder().encode(self), as: UTF8.self))
    }
}

/// Times in nanoseconds.
struct BenchTimes {
    fileprivate var histogram = Histogram<UInt64>(
        lowestDiscernibleValue: 1,
        highestTrackableValue: 60_000_000_000,
        numberOfSignificantValueDigits: .three
    )

    mutating func add(_ nanoseconds: UInt64) { _ = histogram.record(min(nanoseconds, 60_000_000_000)) }
}
