import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging

/// What the routes work with; a class, since every call holds it and a struct of so many parts takes long to copy.
package final class GatewayServices: Sendable {
    package let registry: Registry
    let plugins: PluginHost
    let models: ModelTable
    let fileIDs: FileIDCodec
    let objectIDs: ObjectIDCodec
    let fanOut: FileFanOut
    let backFill: BackFill
    package let sweeper: Sweeper
    let batchCare: PolledCare
    let jobCare: PolledCare
    let responseCare: ResponseCare
    package let keeper: ObjectKeeper
    /// Judge the URL that a batch or a fine-tuning job names when it is made.
    package let webhooks: WebhookRules
    let spool: SpoolDirectory
    let parts: PartStore
    let routing: RoutingRules
    let clock: any WallClock
    let limits: GatewayLimits
    /// After how many seconds a file expires whose upload does not say.
    let defaultExpiry: [FilePurpose: Int64]
    let requestMemory: RequestMemory
    let logger: Logger

    /// Puts the services together.
    package init(
        registry: Registry,
        plugins: PluginHost,
        models: ModelTable,
        fileIDs: FileIDCodec,
        objectIDs: ObjectIDCodec,
        spool: SpoolDirectory,
        parts: PartStore,
        routing: RoutingRules = RoutingRules(),
        clock: any WallClock,
        limits: GatewayLimits,
        lifetimes: FileLifetimes,
        pace: PollPace = PollPace(),
        webhooks: WebhookRules = .off,
        logger: Logger
    ) {
        self.registry = registry
        self.plugins = plugins
        self.models = models
        self.fileIDs = fileIDs
        self.objectIDs = objectIDs
        let removal = CopyRemoval(
            plugins: plugins,
            journal: registry,
            clock: clock,
            patience: lifetimes.sweepInterval * 2,
            logger: logger
        )
        fanOut = FileFanOut(removal: removal)
        backFill = BackFill(plugins: plugins, removal: removal, claims: registry, spool: spool, clock: clock)
        let sweeper = Sweeper(
            removal: removal,
            work: registry,
            uploads: UploadSweep(journal: registry, store: parts, logger: logger),
            deletesLostUploads: lifetimes.deletesLostUploads,
            interval: lifetimes.sweepInterval,
            logger: logger
        )
        self.sweeper = sweeper
        let care = { (form: any PolledKind) -> PolledCare in
            let settling = ObjectSettling(
                form: form,
                registry: registry,
                plugins: plugins,
                objectIDs: objectIDs,
                sweeper: sweeper,
                clock: clock,
                logger: logger
            )
            return PolledCare(
                settling: settling,
                removal: ObjectRemoval(settling: settling, patience: lifetimes.sweepInterval * 2),
                patience: .seconds(pace.lostAfter)
            )
        }
        batchCare = care(BatchKind())
        jobCare = care(JobKind())
        responseCare = ResponseCare(plugins: plugins, clock: clock, logger: logger)
        keeper = ObjectKeeper(
            registry: registry,
            cares: [batchCare, jobCare, responseCare],
            pace: pace,
            sweepInterval: lifetimes.sweepInterval,
            logger: logger
        )
        self.webhooks = webhooks
        self.spool = spool
        self.parts = parts
        self.routing = routing
        self.clock = clock
        self.limits = limits
        defaultExpiry = lifetimes.defaultExpiry
        requestMemory = RequestMemory(limitInBytes: Int64(limits.requestBytes) * GatewayLimits.largestRequestsAtOnce)
        self.logger = logger
    }
}

extension GatewayServices {
    /// Which deployments are tried first.
    var deploymentOrder: DeploymentOrder {
        DeploymentOrder(routing.strategy) { [plugins] id in plugins.target(id)?.standing ?? DeploymentStanding() }
    }

    /// What can be done with copies of files at the deployments, and which of them are tried first.
    var copyMeans: DeploymentChoice.Means {
        DeploymentChoice.Means(
            order: deploymentOrder,
            takesFiles: { [plugins] in plugins.target($0.id)?.serves(.fileCreate) ?? false },
            givesBack: { [plugins] in plugins.target($0)?.givesBackContent(of: $1) ?? false }
        )
    }
}

/// How long files live, and how soon what is left of them is removed.
package struct FileLifetimes: Sendable {
    let defaultExpiry: [FilePurpose: Int64]
    let sweepInterval: Duration
    let deletesLostUploads: Bool

    /// Says how long files live.
    ///
    /// - Parameters:
    ///   - defaultExpiry: Seconds after which a file expires whose upload does not say, by purpose.
    ///   - sweepInterval: Between two sweeps.
    ///   - deletesLostUploads: Whether a file that an upload may have left is deleted, or told in the log alone.
    package init(defaultExpiry: [FilePurpose: Int64], sweepInterval: Duration, deletesLostUploads: Bool) {
        self.defaultExpiry = defaultExpiry
        self.sweepInterval = sweepInterval
        self.deletesLostUploads = deletesLostUploads
    }
}

/// The largest things that the routes take.
package struct GatewayLimits: Sendable {
    package let fileBytes: Int64
    package let uploadBytes: Int64
    package let requestBytes: Int

    /// As many bodies of the largest size are held at once; many more of an ordinary size.
    static let largestRequestsAtOnce: Int64 = 4

    /// Makes the limits.
    ///
    /// - Parameters:
    ///   - fileBytes: Of one uploaded file.
    ///   - uploadBytes: Of one file that is uploaded in parts.
    ///   - requestBytes: Of the body of a chat or embeddings request.
    package init(fileBytes: Int64, uploadBytes: Int64, requestBytes: Int) {
        self.fileBytes = fileBytes
        self.uploadBytes = uploadBytes
        self.requestBytes = requestBytes
    }
}
