import ArgumentParser
import Foundation
import Hummingbird
import Logging
import NIOCore

/// Runs the simulated providers until SIGTERM or SIGINT.
@main
struct GantrySimulators: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-simulators",
        abstract: "Simulated OpenAI and Google (Cloud Storage, Vertex AI) for tests and demonstrations."
    )

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port of the simulated OpenAI; 0 for any that is free.")
    var openaiPort = 0

    @Option(help: "The port of the simulated Google; 0 for any that is free.")
    var googlePort = 0

    @Option(help: "A directory whose state survives a restart; without it, state ends with the process.")
    var data: String?

    @Option(help: "A file to write the ready line to.")
    var portFile: String?

    func run() async throws {
        let temporary = FileManager.default.temporaryDirectory.appending(path: "simulators-\(UUID().uuidString)")
        let directory = data.map { URL(filePath: $0) } ?? temporary
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let simulation = try Simulation(directory: directory)
        do {
            try await serve(simulation)
        } catch {
            if data == nil { try FileManager.default.removeItem(at: temporary) }
            throw error
        }
        if data == nil { try FileManager.default.removeItem(at: temporary) }
    }

    /// Serves both ports until a signal comes.
    private func serve(_ simulation: Simulation) async throws {
        let ports = AsyncStream<(Provider, Int)>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (provider, port) in [(Provider.openAI, openaiPort), (.google, googlePort)] {
                let application = application(for: provider, port: port, simulation) { port in
                    ports.continuation.yield((provider, port))
                }
                group.addTask { try await application.run() }
            }
            group.addTask { try await announce(ports.stream, simulation) }
            group.addTask {
                await TerminationSignals.next()
                throw CancellationError()
            }
            defer { group.cancelAll() }
            do {
                // The announcement ends by itself; whatever ends next ends the process.
                try await group.next()
                try await group.next()
            } catch is CancellationError {
                return
            }
        }
    }

    private func application(
        for provider: Provider,
        port: Int,
        _ simulation: Simulation,
        onReady: @escaping @Sendable (Int) -> Void
    ) -> some ApplicationProtocol {
        var logger = Logger(label: "simulators", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .critical
        let connections = simulation.connections
        return Application(
            responder: SimulatorResponder(provider: provider, simulation: simulation),
            server: .http1(
                configuration: .init(additionalChannelHandlers: [ConnectionHandler(table: connections)])
            ),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            onServerRunning: { channel in onReady(channel.localAddress?.port ?? port) },
            logger: logger
        )
    }

    /// Says where the providers are, once both are.
    private func announce(_ ports: AsyncStream<(Provider, Int)>, _ simulation: Simulation) async throws {
        var origins: [Provider: String] = [:]
        for await (provider, port) in ports {
            origins[provider] = "http://\(host):\(port)"
            if origins.count == 2 { break }
        }
        guard let openAI = origins[.openAI], let google = origins[.google] else { return }
        simulation.google.origin = google
        let line = "ready openai=\(openAI)/v1 google=\(google)\n"
        if let portFile { try Data(line.utf8).write(to: URL(filePath: portFile), options: .atomic) }
        try FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
    }
}
