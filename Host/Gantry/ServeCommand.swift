import ArgumentParser
import Glibc
import HostConfig
import HostServer
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// Serves until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the gateway until SIGTERM or SIGINT, then finish the running requests."
    )

    @OptionGroup
    var options: ConfigurationOptions

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 lets the system choose.")
    var port = 4000

    func run() async throws {
        do {
            guard (0...65535).contains(port) else {
                throw StartupError("--port \(port): a port is a number from 0 to 65535.")
            }
            // Until it is listened to it must not end the process.
            signal(SIGHUP, SIG_IGN)
            let loaded = try options.load()
            let gateway = try await Gateway.open(loaded, options: options)
            if let fault = gateway.live.first.faults.first {
                await gateway.close()
                throw StartupError(fault)
            }
            try await gateway.worker.enlisted {
                try await serve(gateway, drainTimeout: loaded.configuration.general.drainTimeout)
            }
            await gateway.close()
        } catch {
            throw StartupError(error, listeningOn: "\(host):\(port)").exit()
        }
    }

    private func serve(_ gateway: Gateway, drainTimeout: Duration) async throws {
        let logger = gateway.logger
        let application = gateway.server.application(
            host: host,
            port: port,
            group: gateway.group,
            logger: logger
        ) { address in
            let bound = address.flatMap { $0.port } ?? port
            logger.info("gantry is listening", metadata: ["url": "http://\(host):\(bound)"])
        }
        // They are ended from the last to the first: no new requests before the sweep has to stop.
        var configuration = ServiceGroupConfiguration(
            services: [
                gateway.worker, try ConfigurationWatch(gateway.live, logger: logger), application,
                DrainDeadline(drainTimeout: drainTimeout, group: gateway.group, logger: logger),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = drainTimeout
        try await ServiceGroup(configuration: configuration).run()
        logger.info("gantry has stopped")
    }
}
