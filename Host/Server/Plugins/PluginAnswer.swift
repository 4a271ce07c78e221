import HostCore
import HostPlugins

/// A plugin as administrators see it.
struct PluginAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case object, id, version, sha256, manifest, isolation, state, problem, operations, deployments, workers
        case sandbox, breaker, loads, refusals, crashes, restarts, steps
        case operationsBegun = "operations_begun"
        case operationsFailed = "operations_failed"
    }

    /// The kind of rare event with its numbers by reason and the last one.
    struct Rare: Encodable {
        struct Last: Encodable {
            let reason: String
            let text: String
            let at: String
        }

        let count: UInt64
        let byReason: [String: UInt64]
        let last: Last?

        private enum CodingKeys: String, CodingKey {
            case count, last
            case byReason = "by_reason"
        }
    }

    private struct Loads: Encodable {
        private enum CodingKeys: String, CodingKey {
            case count, generation
            case lastAt = "last_at"
        }

        let count: UInt64
        let generation: UInt64
        let lastAt: String?
    }

    private let object = "plugin"
    private let id: String
    private let version: String?
    private let sha256: String?
    private let manifest: String?
    private let isolation: String?
    private let state: String
    private let problem: String?
    private let operations: [String]
    private let deployments: [String]
    private let workers: [WorkerAnswer]
    private let sandbox: [String: String]
    private let breaker: BreakerAnswer?
    private let loads: Loads
    private let refusals: Rare
    private let crashes: Rare
    private let restarts: UInt64
    private let operationsBegun: UInt64
    private let operationsFailed: UInt64
    private let steps: StepAnswer

    /// Makes an answer.
    ///
    /// - Parameters:
    ///   - overview: What is known of the plugin.
    ///   - inFull: Whether every bucket of the step times is shown.
    init(_ overview: PluginOverview, inFull: Bool) {
        let (state, meters) = (overview.state, overview.meters)
        id = overview.id
        version = state?.version
        sha256 = state?.sha256
        manifest = state?.manifest
        isolation = state?.isolation?.rawValue
        self.state = overview.standing.rawValue
        problem = state?.problem
        operations = state?.operations ?? []
        deployments = state?.deployments ?? []
        workers = state?.workers.map(WorkerAnswer.init) ?? []
        sandbox = state?.sandbox ?? [:]
        breaker = (state?.breaker).map(BreakerAnswer.init)
        loads = Loads(
            count: meters?.loads ?? 0,
            generation: meters?.generation ?? 0,
            lastAt: (meters?.lastLoad)?.text
        )
        refusals = Rare(refusals: meters)
        crashes = Rare(crashes: meters)
        restarts = meters?.restarts ?? 0
        operationsBegun = meters?.operations ?? 0
        operationsFailed = meters?.failures ?? 0
        steps = StepAnswer(meters?.steps, inFull: inFull)
    }
}

extension PluginAnswer.Rare {
    /// How often the plugin was not loaded.
    init(refusals meters: PluginMeterReading?) {
        let numbers = (meters?.refusals ?? [:]).filter { $0.value > 0 }
        count = numbers.values.reduce(0, +)
        byReason = Dictionary(uniqueKeysWithValues: numbers.map { ($0.key.rawValue, $0.value) })
        last = (meters?.lastRefusal).map { Last(reason: $0.reason.rawValue, text: $0.text, at: $0.at.text) }
    }

    /// What its workers died of.
    init(crashes meters: PluginMeterReading?) {
        let numbers = (meters?.crashes ?? [:]).filter { $0.value > 0 }
        count = numbers.values.reduce(0, +)
        byReason = Dictionary(uniqueKeysWithValues: numbers.map { ($0.key.rawValue, $0.value) })
        last = (meters?.lastCrash).map { Last(reason: $0.cause.rawValue, text: $0.text, at: $0.at.text) }
    }
}

/// A worker process.
struct WorkerAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case pid
        case isReady = "ready"
        case operations = "running_operations"
    }

    private let pid: Int32?
    private let isReady: Bool
    private let operations: Int

    init(_ worker: PluginState.Worker) {
        (pid, isReady, operations) = (worker.processID, worker.isReady, worker.operations)
    }
}

/// Whether the host has stopped giving requests to the plugin.
struct BreakerAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case isOpen = "open"
        case deaths = "deaths_in_a_row"
        case nextTry = "next_try_seconds"
    }

    private let isOpen: Bool
    private let deaths: Int
    private let nextTry: Double?

    init(_ breaker: PluginState.Breaker) {
        (isOpen, deaths, nextTry) = (breaker.isOpen, breaker.deathsInARow, breaker.nextTry?.shownSeconds)
    }
}

/// How long the plugin's steps took; a share's time is the bound of the bucket that it lies in.
struct StepAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case count, seconds, buckets
        case median = "p50_seconds"
        case slow = "p99_seconds"
    }

    /// Steps that took no longer, and longer than the bucket before.
    private struct Bucket: Encodable {
        private enum CodingKeys: String, CodingKey {
            case seconds = "up_to_seconds"
            case count
        }

        /// Nil for the last bucket, which has no end.
        let seconds: Double?
        let count: UInt64
    }

    private let count: UInt64
    private let seconds: Double
    private let median: Double?
    private let slow: Double?
    private let buckets: [Bucket]?

    init(_ reading: StepTimeReading?, inFull: Bool) {
        count = reading?.count ?? 0
        seconds = Double(reading?.sumInNanoseconds ?? 0) / 1e9
        let time = { (share: Double) in
            reading?.bound(of: share).flatMap { $0 == .max ? nil : Double($0) / 1e9 }
        }
        (median, slow) = (time(0.5), time(0.99))
        buckets =
            !inFull
            ? nil
            : reading.map { reading in
                reading.buckets.enumerated().filter { $0.element > 0 }.map { index, count in
                    let bound = StepTimeReading.bounds.indices.contains(index) ? StepTimeReading.bounds[index] : nil
                    return Bucket(seconds: bound.map { Double($0) / 1e9 }, count: count)
                }
            }
    }
}
