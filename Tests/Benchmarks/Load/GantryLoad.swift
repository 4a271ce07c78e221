import ArgumentParser
import FoundationEssentials
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The two ends of a benchmark.
@main
struct GantryLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-load",
        abstract: "Asks a server at a fixed rate or as fast as it answers, or is the provider behind it.",
        subcommands: [RunCommand.self, UpstreamCommand.self]
    )
}

/// Puts a load on a server of this machine and prints one line of JSON.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Puts a load on a server of this machine and prints one line of JSON, times in microseconds."
    )

    @Option(help: "The port of the server on 127.0.0.1.")
    var port: Int

    @Option(help: "The request's method.")
    var method = "POST"

    @Option(help: "The request's path and query.")
    var path = "/v1/chat/completions"

    @Option(help: "A header of the request, as Name: value.")
    var header: [String] = []

    @Option(help: "A file with the request's body, or with its begin.")
    var body: String?

    @Option(help: "Bytes of filler that follow it.")
    var filler = 0

    @Option(help: "A file with the end of the body, after the filler.")
    var bodyEnd: String?

    @Option(help: "Connections, each with at most one request under way.")
    var connections = 32

    @Option(help: "Requests that are due each second; without it a connection asks when it has its answer.")
    var rate: Double?

    @Option(help: "Seconds of load that are not counted.")
    var warmUp = 0.0

    @Option(help: "Seconds that are counted.")
    var seconds = 5.0

    @Option(help: "Seconds to wait for answers after the last request was due.")
    var drain = 5.0

    @Option(help: "The number of requests after which it ends.")
    var requests = Int.max

    @Option(help: "The status of a right answer.")
    var expectStatus = 200

    @Option(help: "The number of bytes in the body of a right answer.")
    var expectLength: Int?

    @Option(help: "What the body of a right answer ends with.")
    var expectTail = ""

    @Flag(help: "Also counts the time up to the first byte of a body.")
    var firstByte = false

    func validate() throws {
        guard (1...20_000).contains(connections) else { throw ValidationError("--connections is 1 to 20000.") }
        guard rate.map({ $0 > 0 && $0 <= 1_000_000 }) ?? true else { throw ValidationError("--rate is up to 1000000.") }
        guard seconds > 0, seconds <= 3600, warmUp >= 0, warmUp <= 3600, drain >= 0, drain <= 3600 else {
            throw ValidationError("--seconds, --warm-up and --drain are at most 3600.")
        }
        guard requests > 0, filler >= 0 else { throw ValidationError("--requests and --filler are positive.") }
    }

    func run() async throws {
        let plan = try plan()
        Self.makeTimersPrecise()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: LoadReport.self)
        loop.execute {
            LoadRun(plan, loop: loop.assumeIsolated(), promise: promise.assumeIsolated()).begin()
        }
        print(try await promise.futureResult.get().line())
    }

    /// The threads made from now on wake when they asked to, not up to 50 us later.
    private static func makeTimersPrecise() {
        guard let file = fopen("/proc/self/timerslack_ns", "w") else { return }
        fputs("1", file)
        fclose(file)
    }

    private func plan() throws -> LoadPlan {
        LoadPlan(
            address: try SocketAddress(ipAddress: "127.0.0.1", port: port),
            request: OutgoingRequest(
                method: method,
                path: path,
                host: "127.0.0.1:\(port)",
                headers: header,
                bodyBegin: try Self.contents(of: body),
                fillerLength: filler,
                bodyEnd: try Self.contents(of: bodyEnd)
            ),
            connections: connections,
            pace: rate.map { .open(requestsPerSecond: $0) } ?? .closed,
            warmUp: Self.amount(warmUp),
            duration: Self.amount(seconds),
            requestLimit: requests,
            drain: Self.amount(drain),
            expectedStatus: expectStatus,
            expectedLength: expectLength,
            expectedTail: Array(expectTail.utf8),
            measuresFirstByte: firstByte
        )
    }

    private static func contents(of path: String?) throws -> [UInt8] {
        guard let path else { return [] }
        return Array(try Data(contentsOf: URL(filePath: path)))
    }

    private static func amount(_ seconds: Double) -> TimeAmount { .nanoseconds(Int64(seconds * 1e9)) }
}

/// Is an instant provider, until it is ended.
struct UpstreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upstream",
        abstract: "Is OpenAI and Google at once, and answers at once. Prints 'ready PORT'."
    )

    @Option(help: "The port to listen on; 0 for any that is free.")
    var port = 0

    @Option(help: "The size of the one file that is downloaded.")
    var downloadBytes = 1 << 30

    func run() async throws {
        let answers = UpstreamAnswers(downloadLength: downloadBytes)
        // One thread: all open streams are counted and released on it.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let held = NIOLoopBoundBox.makeBoxSendingValue(HeldStreams(), eventLoop: loop)
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = UpstreamHandler(answers: answers, held: held)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: port)
            .get()
        print("ready \(channel.localAddress?.port ?? 0)")
        // The one who started it reads the line through a pipe.
        fflush(nil)
        try await channel.closeFuture.get()
    }
}
