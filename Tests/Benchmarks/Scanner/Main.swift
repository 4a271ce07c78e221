import Glibc
import SimdJSONScan

/// Compares the scanner of requests with simdjson and writes the page of the result to stdout.
@main
enum ScannerBenchmark {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func main() throws {
        var rounds = 15
        var processor = "an unnamed processor"
        for argument in CommandLine.arguments.dropFirst() {
            if argument.hasPrefix("--rounds="), let number = Int(argument.dropFirst(9)), number > 0 {
                rounds = number
            } else if argument.hasPrefix("--processor=") {
                processor = String(argument.dropFirst(12))
            } else {
                throw Failure(description: "unknown argument '\(argument)': --rounds=N or --processor=NAME")
            }
        }
        let results = try Body.all().map { try measure($0, rounds: rounds) }
        let batches = try BatchRates.measure(rounds: rounds)
        print(Page(results: results, batches: batches, rounds: rounds, processor: processor).text, terminator: "")
    }

    // The contenders take turns, so that what else the machine does meets all of them.
    private static func measure(_ body: Body, rounds: Int) throws -> Result {
        guard let bench = Bench(body), try bench.agree() else {
            throw Failure(description: "\(body.name): the scanner and simdjson found different places")
        }
        var times: [Contender: [Double]] = [:]
        for _ in 0..<rounds {
            for contender in Contender.allCases {
                times[contender, default: []].append(try time(bench, contender))
            }
        }
        return Result(
            body: body,
            nanoseconds: times.mapValues(Result.median),
            best: times.mapValues { $0.min() ?? .infinity },
            spread: times.mapValues(Result.spread)
        )
    }

    // The mean processor time of as many looks as take some milliseconds.
    private static func time(_ bench: Bench, _ contender: Contender) throws -> Double {
        let count = max(1, 4_000_000 / bench.body.bytes.count)
        let start = processorNanoseconds()
        for _ in 0..<count {
            guard bench.run(contender) else {
                throw Failure(description: "\(bench.body.name): \(contender.name) did not find what is there")
            }
        }
        return Double(processorNanoseconds() - start) / Double(count)
    }

    // Of this thread: what others do meanwhile on the same processor is not counted.
    static func processorNanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}

/// The times of one request.
struct Result {
    let body: Body
    let nanoseconds: [Contender: Double]
    let best: [Contender: Double]
    let spread: [Contender: Double]

    static func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }

    /// Half of the distance between the quartiles, as a part of the median.
    static func spread(_ times: [Double]) -> Double {
        let sorted = times.sorted()
        return (sorted[times.count * 3 / 4] - sorted[times.count / 4]) / 2 / median(times)
    }

    func time(_ contender: Contender) -> Double { nanoseconds[contender] ?? .infinity }
}
