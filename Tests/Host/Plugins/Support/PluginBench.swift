import HostCore
import HostUpstream
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix

@testable import HostPlugins

/// A scripted plugin with one deployment, ready to run operations.
struct PluginBench: Sendable {
    let loop: any EventLoop
    let pool: NIOThreadPool
    let environment: OperationEnvironment
    let target: PluginTarget
    let meters: PluginMeters
    let log = EventLog()

    init(
        _ plugin: ScriptedPlugin,
        loop: any EventLoop,
        pool: NIOThreadPool,
        parameters: [String: ConfigurationValue] = [:],
        secrets: [String: String] = [:],
        timeout: Duration = .seconds(30),
        gate: DeploymentGate? = nil,
        allowsHost: @escaping @Sendable (String, String, Int) -> Bool = { _, host, _ in host == "127.0.0.1" }
    ) throws {
        self.loop = loop
        self.pool = pool
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let upstream = try UpstreamClient(group: loop, filePool: pool, logger: logger)
        environment = OperationEnvironment(upstream: upstream, pool: pool)
        let definition = PluginDefinition(
            id: "scripted",
            version: "1",
            manifestPath: "scripted.yaml",
            libraryPath: "scripted.so",
            sha256: nil,
            allowsHost: allowsHost,
            configuration: ["script": .integer(Int64(plugin.number))],
            secrets: secrets
        )
        let library = PluginLibrary(table: plugin.table)
        meters = PluginMeters(plugin: definition.id)
        let instance = try PluginInstance(
            definition,
            library: library,
            environment: [:],
            meters: meters,
            logger: logger
        )
        target = try Self.makeTarget("d1", instance, parameters, timeout, gate)
    }

    static func makeTarget(
        _ id: String,
        _ instance: PluginInstance,
        _ parameters: [String: ConfigurationValue],
        _ timeout: Duration,
        _ gate: DeploymentGate? = nil
    ) throws -> PluginTarget {
        let deployment = Deployment(
            id: DeploymentID(id),
            modelName: "m",
            configuredModel: "scripted/m",
            upstreamModel: "m",
            plugin: "scripted",
            weight: 1,
            timeout: timeout
        )
        let definition = TargetDefinition(deployment: deployment, parameters: parameters, location: "config.yaml:1")
        return try PluginTarget(definition, instance: instance, environment: [:], gate: gate)
    }

    /// Makes an operation; on the loop.
    func makeDriver(
        _ request: OperationRequest,
        _ prepare: (RecordingClient) -> Void = { _ in }
    ) -> (driver: OperationDriver, client: RecordingClient) {
        let client = RecordingClient(log: log, loop: loop)
        let driver = OperationDriver(request, target: target, loop: loop, environment: environment, client: client)
        client.driver = driver
        prepare(client)
        return (driver, client)
    }

    /// Begins an operation; on the loop.
    @discardableResult
    func start(
        _ kind: OperationKind = .chat,
        input: String = "{}",
        source: (any RandomAccessFile)? = nil,
        lines: (any SourceLines)? = nil,
        _ prepare: (RecordingClient) -> Void = { _ in }
    ) -> OperationDriver {
        let request = OperationRequest(
            kind,
            requestID: "r1",
            input: ByteBuffer(string: input),
            source: source,
            lines: lines
        )
        let made = makeDriver(request, prepare)
        made.driver.start()
        return made.driver
    }

    /// Runs an operation to its end; off the loop.
    func run(
        _ kind: OperationKind = .chat,
        input: String = "{}",
        source: (any RandomAccessFile)? = nil,
        lines: (any SourceLines)? = nil,
        _ prepare: @escaping @Sendable (RecordingClient) -> Void = { _ in }
    ) async throws -> Result<OperationResult, OperationFailure> {
        try await loop.flatSubmit {
            let request = OperationRequest(
                kind,
                requestID: "r1",
                input: ByteBuffer(string: input),
                source: source,
                lines: lines
            )
            let made = makeDriver(request, prepare)
            made.driver.start()
            return made.client.ended.futureResult
        }.get()
    }
}

/// Runs a test on the calling thread, with a clock that the test moves.
func withEmbeddedBench(
    _ plugin: ScriptedPlugin,
    timeout: Duration = .seconds(30),
    gate: DeploymentGate? = nil,
    _ test: (PluginBench, EmbeddedEventLoop) throws -> Void
) throws {
    let loop = EmbeddedEventLoop()
    let bench = try PluginBench(
        plugin,
        loop: loop,
        pool: NIOThreadPool(numberOfThreads: 1),
        timeout: timeout,
        gate: gate
    )
    try test(bench, loop)
    try loop.close()
}

/// Runs a test against a server, on an event loop of its own.
func withBench(
    _ plugin: ScriptedPlugin,
    parameters: [String: ConfigurationValue] = [:],
    secrets: [String: String] = [:],
    timeout: Duration = .seconds(300),
    gate: DeploymentGate? = nil,
    test: (PluginBench) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let pool = NIOThreadPool(numberOfThreads: 2)
    pool.start()
    let bench = try PluginBench(
        plugin,
        loop: group.next(),
        pool: pool,
        parameters: parameters,
        secrets: secrets,
        timeout: timeout,
        gate: gate
    )
    let result: Result<Void, any Error>
    do { result = .success(try await test(bench)) } catch { result = .failure(error) }
    await bench.environment.upstream.shutdown()
    try await group.shutdownGracefully()
    try await pool.shutdownGracefully()
    try result.get()
}

/// Runs a test with a server beside it.
func withServer(_ script: @escaping AnswerServer.Script, test: (Int) async throws -> Void) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = try await AnswerServer(group: group, script: script)
    let result: Result<Void, any Error>
    do { result = .success(try await test(server.port)) } catch { result = .failure(error) }
    try await server.stop()
    try await group.shutdownGracefully()
    try result.get()
}
