import ArgumentParser
import HostUpstream
import NIOCore
import NIOPosix

/// Chats of one step each at a fixed rate.
struct StepsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steps",
        abstract: "From the begin of a chat of one step to its end, as the host sees it."
    )

    @OptionGroup
    var plugin: PluginOptions

    @Option(help: "Steps that are due each second.")
    var rate = 5000

    @Option(help: "Seconds that are counted.")
    var seconds = 5.0

    @Option(help: "Bytes of a chat.")
    var bytes = 1200

    func run() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let upstream = try BenchHost.upstream(on: loop)
        let host = try BenchHost(plugin, loop: loop, upstream: upstream)
        try await host.chat("{}")
        let warmUp = try await measured(host, seconds: min(seconds, 1))
        guard warmUp.failures == 0 else { throw ValidationError("\(warmUp.failures) steps failed.") }
        try await measured(host, seconds: seconds).print()
        await upstream.shutdown()
    }

    private func measured(_ host: BenchHost, seconds: Double) async throws -> BenchReport {
        let input = ByteBuffer(string: "{\"messages\": \"" + String(repeating: "x", count: max(0, bytes - 16)) + "\"}")
        let pacer = try await host.loop.submit {
            let done = host.loop.makePromise(of: BenchReport.self)
            let count = Int(Double(rate) * seconds)
            let pacer = StepPacer(host, input: input, rate: rate, count: count, done: done)
            pacer.begin()
            return NIOLoopBound(pacer, eventLoop: host.loop)
        }.get()
        return try await host.loop.flatSubmit { pacer.value.done.futureResult }.get()
    }
}

/// Begins a step whenever one is due, however long those before it take.
private final class StepPacer {
    let done: EventLoopPromise<BenchReport>
    private let host: BenchHost
    private let input: ByteBuffer
    private let interval: Int64
    private let count: Int
    private var begun = 0
    private var ended = 0
    private var failures = 0
    private var times = BenchTimes()
    private var start = NIODeadline.now()

    init(_ host: BenchHost, input: ByteBuffer, rate: Int, count: Int, done: EventLoopPromise<BenchReport>) {
        self.host = host
        self.input = input
        interval = 1_000_000_000 / Int64(rate)
        self.count = count
        self.done = done
    }

    func begin() {
        start = .now()
        scheduleNext()
    }

    private func scheduleNext() {
        guard begun < count else { return }
        let due = start + .nanoseconds(interval * Int64(begun))
        host.loop.assumeIsolated().scheduleTask(deadline: due) { self.step() }
    }

    private func step() {
        begun += 1
        // What paces the steps is none of what they cost.
        scheduleNext()
        let start = nanoseconds()
        do {
            try host.chat(input) { outcome in
                self.times.add(nanoseconds() - start)
                if case .failure = outcome { self.failures += 1 }
                self.end()
            }
        } catch {
            failures += 1
            end()
        }
    }

    private func end() {
        ended += 1
        if ended == count { done.succeed(BenchReport(times, failures: failures)) }
    }
}
