import FoundationEssentials
import Histogram

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What a load came to, printed as one line of JSON.
struct LoadReport: Encodable {
    struct Counts {
        var requests = 0
        /// Right answers, those of the warm-up among them.
        var answered = 0
        /// Answers that came before the end of the schedule.
        var inTime = 0
        var bytesReceived = 0
        var reconnects = 0
        /// Requests that were due and had no answer when the patience was over.
        var unfinished = 0
        var errors: [String: Int] = [:]
        var cpu: Double?
    }

    /// Microseconds.
    struct Times: Encodable {
        let p50: Double
        let p90: Double
        let p99: Double
        let p999: Double
        let max: Double

        init(_ histogram: LoadRun.Latencies) {
            func at(_ percentile: Double) -> Double {
                histogram.totalCount == 0 ? 0 : Double(histogram.valueAtPercentile(percentile)) / 1000
            }
            p50 = at(50)
            p90 = at(90)
            p99 = at(99)
            p999 = at(99.9)
            max = at(100)
        }
    }

    let requests: Int
    let answered: Int
    let seconds: Double
    let requestsPerSecond: Double
    let bytesReceived: Int
    let reconnects: Int
    let unfinished: Int
    let errors: [String: Int]
    let latency: Times
    /// Up to the first byte of a body; zeros unless asked for.
    let firstByte: Times
    /// How late the generator sent what it could have sent in time.
    let lateness: Times
    /// The generator's own processor time, and its share of one processor.
    let cpuSeconds: Double
    let cpuShare: Double

    init(
        counts: Counts,
        seconds: Double,
        latencies: LoadRun.Latencies,
        firstBytes: LoadRun.Latencies,
        lateness: LoadRun.Latencies
    ) {
        requests = counts.requests
        answered = counts.answered
        self.seconds = seconds
        requestsPerSecond = seconds > 0 ? Double(counts.inTime) / seconds : 0
        bytesReceived = counts.bytesReceived
        reconnects = counts.reconnects
        unfinished = counts.unfinished
        errors = counts.errors
        latency = Times(latencies)
        firstByte = Times(firstBytes)
        self.lateness = Times(lateness)
        cpuSeconds = counts.cpu ?? 0
        cpuShare = seconds > 0 ? cpuSeconds / seconds : 0
    }

    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

/// Processor time of this process, user and system, in seconds.
enum ProcessorTime {
    static func now() -> Double {
        var usage = rusage()
        // RUSAGE_SELF, which the C libraries declare as different types.
        guard getrusage(0, &usage) == 0 else { return 0 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
