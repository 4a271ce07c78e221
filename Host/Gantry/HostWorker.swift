import HostRegistry
import HostTransfer
import Logging
import ServiceLifecycle
import Synchronization

/// The work of this host beside its requests: it says that it lives, sweeps, and notes the use of keys, until the
/// gateway stops.
final class HostWorker: Service {
    private static let timeBetweenFlushes: Duration = .seconds(60)

    private let registry: Registry
    private let sweeper: Sweeper
    private let dataFolder: String
    private let logger: Logger
    private let identity = Mutex<HostIdentity?>(nil)

    init(registry: Registry, sweeper: Sweeper, dataFolder: String, logger: Logger) {
        self.registry = registry
        self.sweeper = sweeper
        self.dataFolder = dataFolder
        self.logger = logger
    }

    /// Takes the host's name and tells the registry; to be called before the first request.
    ///
    /// - Throws: ``StartupError`` or ``RegistryError``.
    func enlist() async throws {
        let identity = try HostIdentity(dataFolder: dataFolder)
        registry.listenForChanges()
        try await registry.enlist(host: identity.name)
        self.identity.withLock { $0 = identity }
    }

    func run() async throws {
        guard let host = identity.withLock({ $0?.name }) else { return }
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.sweeper.run() }
                group.addTask { await self.stayAlive(host) }
                group.addTask { await self.noteKeyUsage() }
                await group.waitForAll()
            }
        }
    }

    /// Ends the work: what is left can be claimed by others at once.
    func retire() async {
        do {
            try await registry.flushKeyUsage()
            try await registry.retire()
        } catch {
            // The others find out by themselves when the lease is over.
            logger.warning("the end of this host could not be noted", metadata: ["error": "\(error)"])
        }
    }

    private func stayAlive(_ host: String) async {
        var isHeard = true
        while !Task.isCancelled {
            do { try await Task.sleep(for: Registry.heartbeat) } catch { return }
            do {
                try await registry.stayAlive(host: host)
                isHeard = true
            } catch {
                if isHeard {
                    logger.warning("the registry cannot be told that this host lives", metadata: ["error": "\(error)"])
                }
                isHeard = false
            }
        }
    }

    private func noteKeyUsage() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.timeBetweenFlushes) } catch { return }
            do {
                try await registry.flushKeyUsage()
            } catch {
                // It stays in memory until the next time.
                logger.debug("the use of keys could not be noted", metadata: ["error": "\(error)"])
            }
        }
    }
}
