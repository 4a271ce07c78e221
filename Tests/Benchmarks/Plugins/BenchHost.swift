import ArgumentParser
import Glibc
import HostCore
import HostPlugins
import HostUpstream
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// A plugin host with one plugin and one deployment, on one event loop.
struct BenchHost: Sendable {
    private static let deployment = DeploymentID("bench")

    private static let logger = Logger(label: "bench") { StreamLogHandler.standardError(label: $0) }

    /// A client for hosts on one event loop.
    ///
    /// A gateway makes one when it starts, which takes a while: it reads the authorities to trust.
    static func upstream(on loop: any EventLoop) throws -> UpstreamClient {
        try UpstreamClient(group: loop, filePool: .singleton, logger: logger)
    }

    let loop: any EventLoop
    private let host: PluginHost

    /// Loads the plugin, or starts its workers; what they send would go through this client.
    init(_ options: PluginOptions, loop: any EventLoop, upstream: UpstreamClient) throws {
        let definition = PluginDefinition(
            id: options.id,
            version: "1.0.0",
            manifestPath: options.library,
            libraryPath: options.library,
            sha256: nil,
            allowsHost: { _, _, _ in false },
            configuration: [:],
            secrets: [:],
            limits: options.worker == nil ? nil : PluginLimits(workers: options.workers)
        )
        let deployment = Deployment(
            id: Self.deployment,
            modelName: "bench",
            configuredModel: "\(options.id)/bench",
            upstreamModel: "bench",
            plugin: options.id,
            weight: 1,
            timeout: .seconds(30)
        )
        self.loop = loop
        host = PluginHost(
            runDirectory: options.run,
            environment: OperationEnvironment(upstream: upstream, pool: .singleton),
            group: loop,
            workerExecutable: options.worker ?? "",
            logger: Self.logger
        )
        let target = TargetDefinition(deployment: deployment, parameters: [:], location: "bench")
        let report = host.apply(PluginPlan(plugins: [definition], targets: [target], variables: [:]))
        if let refusal = report.refusals.first { throw ValidationError(refusal) }
    }

    /// Begins a chat and calls back at its end; to be called on the event loop.
    func chat(_ input: ByteBuffer, _ ended: @escaping (Result<OperationResult, OperationFailure>) -> Void) throws {
        let request = OperationRequest(.chat, requestID: "bench", input: input)
        let client = BenchClient(ended)
        try host.operation(request, on: Self.deployment, of: host.current, loop: loop, client: client).start()
    }

    /// Runs a chat to its end; fails as the chat does.
    func chat(_ text: String) async throws {
        _ = try await host.run(
            OperationRequest(.chat, requestID: "bench", input: ByteBuffer(string: text)),
            on: Self.deployment
        )
    }
}

/// Wants nothing but the end.
private final class BenchClient: OperationClient {
    private let ended: (Result<OperationResult, OperationFailure>) -> Void

    init(_ ended: @escaping (Result<OperationResult, OperationFailure>) -> Void) { self.ended = ended }

    func operationWillJournal(_: JournalEntry) -> EventLoopFuture<Void>? { nil }
    func operationDidBeginPipe(status _: Int, headers _: HTTPHeaders) {}
    func operationDidPipe(_: ByteBuffer) {}
    func operationDidOutput(_: ByteBuffer, event _: String) {}
    func operationDidUse(_: ByteBuffer) {}
    func operationDidEnd(_ outcome: Result<OperationResult, OperationFailure>) { ended(outcome) }
}

/// Nanoseconds since the machine was started.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
