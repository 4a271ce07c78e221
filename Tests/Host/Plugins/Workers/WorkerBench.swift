import HostCore
import HostUpstream
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import HostPlugins

/// The plugin of ``WorkerPlugin`` in real workers, with one deployment, ready to run operations on several event loops.
struct WorkerBench: Sendable {
    let group: MultiThreadedEventLoopGroup
    let environment: OperationEnvironment
    let instance: PluginInstance
    let target: PluginTarget
    let meters: PluginMeters
    let lines: LogLines
    let log = EventLog()

    /// What an operation came to.
    struct Outcome: Sendable {
        let result: Result<OperationResult, OperationFailure>

        var text: String? {
            if case .success(let result) = result { String(buffer: result.data) } else { nil }
        }
        var failure: OperationFailure? { if case .failure(let failure) = result { failure } else { nil } }
    }

    /// Begins an operation on an event loop and tells when it ends; `started` gets it on that loop.
    func begin(
        _ input: ByteBuffer,
        kind: OperationKind = .chat,
        references: [OperationReference] = [],
        lines: (any SourceLines)? = nil,
        loop: (any EventLoop)? = nil,
        log: EventLog? = nil,
        started: @escaping @Sendable (OperationDriver, RecordingClient) -> Void = { _, _ in }
    ) -> EventLoopFuture<Outcome> {
        let loop = loop ?? group.next()
        let request = OperationRequest(kind, requestID: "r", input: input, references: references, lines: lines)
        let log = log ?? self.log
        return loop.flatSubmit {
            let client = RecordingClient(log: log, loop: loop)
            let driver = OperationDriver(
                request,
                target: target,
                loop: loop,
                environment: environment,
                client: client
            )
            client.driver = driver
            driver.start()
            started(driver, client)
            return client.ended.futureResult.map { Outcome(result: $0) }
        }
    }

    /// Runs an operation to its end.
    func run(
        _ input: String,
        kind: OperationKind = .chat,
        lines: (any SourceLines)? = nil,
        loop: (any EventLoop)? = nil,
        log: EventLog? = nil
    ) async throws -> Outcome {
        try await begin(ByteBuffer(string: input), kind: kind, lines: lines, loop: loop, log: log).get()
    }

    /// Runs an operation again and again until a worker takes it.
    func runWhenAlive(_ input: String) async throws -> Outcome {
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while true {
            let outcome = try await run(input, log: EventLog())
            // Whoever was not begun may try again; whoever brought a worker down may not.
            let isRefused = outcome.failure?.reason == .pluginFailed && outcome.failure?.isRetryable == true
            guard isRefused, ContinuousClock.now < deadline else { return outcome }
            await Task.yield()
        }
    }
}

/// Runs a test with workers of their own.
func withWorkers(
    _ limits: PluginLimits = PluginLimits(stepTime: .seconds(2), workers: 1),
    loops: Int = 2,
    timeout: Duration = .seconds(60),
    configuration: [String: ConfigurationValue] = [:],
    parameters: [String: ConfigurationValue] = [:],
    secrets: [String: String] = [:],
    test: (WorkerBench) async throws -> Void
) async throws {
    let library = try CompiledLibrary()
    let path = try library.compile(WorkerPlugin.source)
    let group = EventLoops.group(of: loops)
    let pool = NIOThreadPool.singleton
    let lines = LogLines()
    let logger = Logger(label: "test") { _ in LineHandler(lines: lines) }
    let upstream = try UpstreamClient(group: group, filePool: pool, logger: logger)
    let definition = PluginDefinition(
        id: "tiny",
        version: "1.0",
        manifestPath: library.path("manifest.yaml"),
        libraryPath: path,
        sha256: nil,
        allowsHost: { _, host, _ in host == "127.0.0.1" },
        configuration: configuration,
        secrets: secrets,
        limits: limits
    )
    let result: Result<Void, any Error>
    do {
        let meters = PluginMeters(plugin: definition.id)
        let instance = try PluginInstance(
            definition,
            image: try PluginImage(definition, runDirectory: library.path("run")),
            libraries: PluginLibraries(),
            environment: [:],
            workers: WorkerEnvironment(executable: HostExecutable.worker, group: group),
            meters: meters,
            logger: logger
        )
        let bench = WorkerBench(
            group: group,
            environment: OperationEnvironment(upstream: upstream, pool: pool),
            instance: instance,
            target: try PluginBench.makeTarget("d1", instance, parameters, timeout),
            meters: meters,
            lines: lines
        )
        result = .success(try await test(bench))
    } catch {
        result = .failure(error)
    }
    await upstream.shutdown()
    try library.remove()
    try result.get()
}

/// Event loops for all tests: a worker that dies is told of on its loops, however long after its test that is.
private enum EventLoops {
    private static let groups = Mutex<[Int: MultiThreadedEventLoopGroup]>([:])

    static func group(of loops: Int) -> MultiThreadedEventLoopGroup {
        groups.withLock { groups in
            if let known = groups[loops] { return known }
            let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
            groups[loops] = group
            return group
        }
    }
}

/// What was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    func count(of text: String) -> Int { all.count { $0.contains(text) } }
}

private struct LineHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.add("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }
}
