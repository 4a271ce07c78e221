import HostRegistry
import HostServer
import HostTransfer
import Logging
import ServiceLifecycle

/// The work of this host beside its requests: it sweeps, asks about batches and jobs, sends webhooks and notes the use of
/// keys until it is told to stop, and says that it lives until the last request has ended.
final class HostWorker: Service {
    private static let timeBetweenFlushes: Duration = .seconds(60)

    private let registry: Registry
    private let sweeper: Sweeper
    private let keeper: ObjectKeeper
    private let webhooks: WebhookSender?
    private let dataFolder: String
    private let logger: Logger

    init(
        registry: Registry,
        sweeper: Sweeper,
        keeper: ObjectKeeper,
        webhooks: WebhookSender?,
        dataFolder: String,
        logger: Logger
    ) {
        self.keeper = keeper
        self.registry = registry
        self.sweeper = sweeper
        self.webhooks = webhooks
        self.dataFolder = dataFolder
        self.logger = logger
    }

    /// Serves as the host of the data folder: what a request has begun is its own until the last one has ended.
    ///
    /// - Throws: ``StartupError`` or ``RegistryError`` before the body begins; what the body throws.
    func enlisted(_ body: () async throws -> Void) async throws {
        let identity = try HostIdentity(dataFolder: dataFolder)
        registry.listenForChanges()
        try await registry.enlist(host: identity.name)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.stayAlive(identity.name) }
            defer { group.cancelAll() }
            try await body()
        }
        await retire()
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.sweeper.run() }
                group.addTask { await self.keeper.run() }
                group.addTask { await self.webhooks?.run() }
                group.addTask { await self.noteKeyUsage() }
                await group.waitForAll()
            }
        }
    }

    /// Ends the work: what is left can be claimed by others at once.
    private func retire() async {
        await flushKeyUsage()
        do {
            try await registry.retire()
        } catch {
            // The others find out by themselves when the lease is over.
            logger.warning("the end of this host could not be noted", metadata: ["error": "\(error)"])
        }
    }

    private func stayAlive(_ host: String) async {
        var isHeard = true
        while !Task.isCancelled {
            // Once the registry can be told again, it is told soon: the others wait for as long as a lease.
            do { try await Task.sleep(for: isHeard ? Registry.heartbeat : .seconds(1)) } catch { return }
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
            await flushKeyUsage()
        }
    }

    private func flushKeyUsage() async {
        do {
            try await registry.flushKeyUsage()
        } catch {
            // It stays in memory until the next time.
            logger.debug("the use of keys could not be noted", metadata: ["error": "\(error)"])
        }
    }
}
