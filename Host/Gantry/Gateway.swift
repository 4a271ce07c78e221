import FoundationEssentials
import HostConfig
import HostCore
import HostDatabase
import HostPlugins
import HostRegistry
import HostServer
import HostTransfer
import HostUpstream
import Logging
import NIOCore
import NIOPosix

/// Everything that serves, wired together.
struct Gateway: Sendable {
    let server: GatewayServer
    let worker: HostWorker
    let group: any EventLoopGroup
    let logger: Logger
    let live: LiveConfiguration
    private let upstream: UpstreamClient
    private let webhooks: GatewayWebhooks?
    private let database: any Database

    /// Opens the registry, loads the plugins and builds the server.
    ///
    /// - Throws: The module's own error of whatever refused; nothing is left running.
    static func open(_ loaded: LoadedConfiguration, options: ConfigurationOptions) async throws -> Gateway {
        let logger = options.makeLogger()
        let configuration = loaded.configuration
        let group = MultiThreadedEventLoopGroup.singleton
        let network = try upstreamConfiguration(configuration.network)
        let upstream = try upstream(network, configuration.network, group: group, logger: logger)
        let webhooks = try configuration.general.webhooks.map {
            try GatewayWebhooks($0, upstream: network, group: group, logger: logger)
        }
        let environment = OperationEnvironment(upstream: upstream, pool: .singleton)
        let database = try await database(configuration.general.databaseURL, dataFolder: options.data)
        do {
            let plugins = PluginHost(
                runDirectory: "\(options.data)/run",
                environment: environment,
                group: group,
                logger: logger
            )
            plugins.removeUnusedCopies()
            let live = try LiveConfiguration(loaded, options: options, plugins: plugins, logger: logger)
            let services = try await services(
                configuration,
                plugins,
                database,
                webhooks: webhooks?.rules ?? .off,
                options: options,
                logger: logger
            )
            live.serve(services)
            return Gateway(
                server: GatewayServer(services),
                worker: HostWorker(
                    registry: services.registry,
                    sweeper: services.sweeper,
                    keeper: services.keeper,
                    webhooks: webhooks?.sender(services.registry, logger: logger),
                    dataFolder: options.data,
                    logger: logger
                ),
                group: group,
                logger: logger,
                live: live,
                upstream: upstream,
                webhooks: webhooks,
                database: database
            )
        } catch {
            await webhooks?.shutdown()
            await upstream.shutdown()
            await database.close()
            throw error
        }
    }

    /// Lets go of the connections to others and of the database.
    func close() async {
        await webhooks?.shutdown()
        await upstream.shutdown()
        await database.close()
    }

    private static func upstreamConfiguration(
        _ network: NetworkSettings
    ) throws(StartupError) -> UpstreamConfiguration {
        var upstream = UpstreamConfiguration()
        upstream.additionalTrustRootsPath = network.trustRoots?.text
        upstream.proxies = UpstreamProxies(
            http: try proxy(network.httpProxy),
            https: try proxy(network.httpsProxy),
            exceptions: network.proxyExceptions
        )
        return upstream
    }

    private static func upstream(
        _ configuration: UpstreamConfiguration,
        _ network: NetworkSettings,
        group: any EventLoopGroup,
        logger: Logger
    ) throws -> UpstreamClient {
        do {
            return try UpstreamClient(group: group, filePool: .singleton, configuration: configuration, logger: logger)
        } catch {
            throw StartupError("\(network.trustRoots.map { "\($0.location): " } ?? "")\(error.message)")
        }
    }

    private static func proxy(_ setting: NetworkSettings.Text?) throws(StartupError) -> UpstreamProxy? {
        guard let setting else { return nil }
        do {
            return try UpstreamProxy(parsing: setting.text)
        } catch {
            throw StartupError("\(setting.location): \(error.message). Correct or remove it.")
        }
    }

    private static func database(_ url: String?, dataFolder: String) async throws(DatabaseError) -> any Database {
        if let url { return try await PostgreSQLDatabase.open(url: url) }
        return try await SQLiteDatabase.open(at: "\(dataFolder)/gantry.sqlite")
    }

    private static func spool(
        _ general: GeneralSettings,
        dataFolder: String
    ) throws(StartupError) -> SpoolDirectory {
        let path = "\(dataFolder)/spool"
        do {
            return try SpoolDirectory(
                path: path,
                pool: .singleton,
                limitInBytes: 8 * min(general.maximumFileBytes, .max / 8)
            )
        } catch {
            throw StartupError("\(path): \(error.message) Make it writable for the user that runs the gateway.")
        }
    }

    // Parts wait for the disk, which nothing else here does: a slow one must not hold up what shares the other threads.
    // Like the shared pool it is never stopped.
    private static let partsPool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 4)
        pool.start()
        return pool
    }()

    private static func parts(
        _ general: GeneralSettings,
        dataFolder: String
    ) throws(StartupError) -> PartStore {
        let path = general.uploadsFolder ?? "\(dataFolder)/uploads"
        do {
            return try PartStore(
                path: path,
                isShared: general.uploadsFolder != nil,
                pool: partsPool,
                limitInBytes: general.uploadsDiskBytes
            )
        } catch {
            throw StartupError("\(path): \(error.message) Make it writable for the user that runs the gateway.")
        }
    }

    private static func services(
        _ configuration: GatewayConfiguration,
        _ plugins: PluginHost,
        _ database: any Database,
        webhooks: WebhookRules,
        options: ConfigurationOptions,
        logger: Logger
    ) async throws -> GatewayServices {
        let general = configuration.general
        let registry = try await Registry(
            database: database,
            masterKeyDigest: KeyDigest(of: general.masterKey),
            staleAge: general.staleAge,
            firstRetry: min(general.sweepInterval, .seconds(5))
        )
        return GatewayServices(
            registry: registry,
            plugins: plugins,
            fileIDs: registry.fileIDCodec(format: general.fileIDFormat),
            objectIDs: registry.objectIDCodec(format: general.fileIDFormat),
            spool: try spool(general, dataFolder: options.data),
            parts: try parts(general, dataFolder: options.data),
            clock: SystemWallClock(),
            settings: general.liveSettings,
            lifetimes: FileLifetimes(
                sweepInterval: general.sweepInterval,
                deletesLostUploads: general.lostUploads == .delete
            ),
            pace: PollPace(
                first: general.batchPollInterval.components.seconds,
                lostAfter: general.batchLossAge.components.seconds
            ),
            webhooks: webhooks,
            logger: logger
        )
    }
}
