import HostWatch
import Logging
import ServiceLifecycle
import UnixSignals

/// Has the configuration read again when its files change, on SIGHUP, and while workers cannot be started.
struct ConfigurationWatch: Service {
    private let live: LiveConfiguration
    private let logger: Logger
    private let watch: FolderWatch

    /// Makes the watch; it watches when its service runs.
    ///
    /// - Throws: ``WatchError`` if there are no descriptors left.
    init(_ live: LiveConfiguration, logger: Logger) throws(WatchError) {
        self.live = live
        self.logger = logger
        watch = try FolderWatch(
            actions: FolderWatch.Actions(
                look: { cause in live.reload(cause).folders },
                pause: { live.pause },
                complain: { problem in
                    logger.warning(
                        "a folder is not watched: changes in it are seen on SIGHUP only",
                        metadata: ["reason": "\(problem)"]
                    )
                }
            )
        )
    }

    func run() async throws {
        await listen()
        // Without a watch the gateway goes on.
        try await gracefulShutdown()
    }

    private func listen() async {
        await cancelWhenGracefulShutdown {
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await watch.run(watching: live.watch.folders) }
                    group.addTask {
                        for await _ in await UnixSignalsSequence(trapping: .sighup) { watch.poke() }
                    }
                    try await group.waitForAll()
                }
            } catch {
                guard !(error is CancellationError) else { return }
                logger.error("the configuration is not watched", metadata: ["reason": "\(error)"])
            }
        }
    }
}
