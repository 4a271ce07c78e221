import HostUpstream
import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// Runs a test against a scripted server, on loops of its own.
func withBench(
    at moment: ScriptedServer.Moment = .requestReceived,
    tls: NIOSSLContext? = nil,
    configure: (inout UpstreamConfiguration) -> Void = { _ in },
    script: @escaping ScriptedServer.Script,
    test: (Bench) async throws -> Void
) async throws {
    let clientGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let serverGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let filePool = NIOThreadPool(numberOfThreads: 2)
    filePool.start()
    var configuration = UpstreamConfiguration()
    configure(&configuration)
    let server = try await ScriptedServer(group: serverGroup, at: moment, tls: tls, script: script)
    let client = try UpstreamClient(
        group: clientGroup,
        filePool: filePool,
        configuration: configuration,
        logger: Logger(label: "test")
    )
    let bench = Bench(client: client, server: server, loop: clientGroup.next())

    let result: Result<Void, any Error>
    do { result = .success(try await test(bench)) } catch { result = .failure(error) }

    await client.shutdown()
    try await server.stop()
    try await clientGroup.shutdownGracefully()
    try await serverGroup.shutdownGracefully()
    try await filePool.shutdownGracefully()
    try result.get()
}
