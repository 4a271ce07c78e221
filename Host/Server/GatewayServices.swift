import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging
import Synchronization

/// What the routes work with; a class, since every call holds it and a struct of so many parts takes long to copy.
package final class GatewayServices: Sendable {
    package let registry: Registry
    package let plugins: PluginHost
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
    let clock: any WallClock
    private let settings: Mutex<LiveSettings>
    let requestMemory: RequestMemory
    let logger: Logger

    /// Puts the services together.
    package init(
        registry: Registry,
        plugins: PluginHost,
        fileIDs: FileIDCodec,
        objectIDs: ObjectIDCodec,
        spool: SpoolDirectory,
        parts: PartStore,
        clock: any WallClock,
        settings: LiveSettings,
        lifetimes: FileLifetimes,
        pace: PollPace = PollPace(),
        webhooks: WebhookRules = .off,
        logger: Logger
    ) {
        self.registry = registry
        self.plugins = plugins
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
        self.clock = clock
        self.settings = Mutex(settings)
        requestMemory = RequestMemory(limitInBytes: settings.limits.bytesOfRequestsAtOnce)
        self.logger = logger
    }
}

extension GatewayServices {
    /// The models, as they are now or were when the request of this task began.
    var models: ModelTable { plugins.current.models }

    /// The largest things that the routes take now.
    var limits: GatewayLimits { settings.withLock { $0.limits } }

    /// After how many seconds a file expires whose upload does not say.
    var defaultExpiry: [FilePurpose: Int64] { settings.withLock { $0.defaultExpiry } }

    /// What begins from now on follows these settings.
    package func follow(_ settings: LiveSettings) {
        self.settings.withLock { $0 = settings }
        requestMemory.follow(limitInBytes: settings.limits.bytesOfRequestsAtOnce)
    }
}

extension PluginSnapshot {
    /// Which deployments are tried first.
    var deploymentOrder: DeploymentOrder {
        DeploymentOrder(routing.strategy) { id in self.standing(of: id) }
    }

    /// What can be done with copies of files at the deployments, and which of them are tried first.
    var copyMeans: DeploymentChoice.Means {
        DeploymentChoice.Means(
            order: deploymentOrder,
            takesFiles: { self.target($0.id)?.serves(.fileCreate) ?? false },
            givesBack: { self.target($0)?.givesBackContent(of: $1) ?? false }
        )
    }

    /// The deployments among these that can serve something.
    ///
    /// - Throws: ``RuleError`` with `.pluginFailed` if the plugins of all have failed.
    func working(_ deployments: [Deployment]) throws(RuleError) -> [Deployment] {
        let working = deployments.filter { failure(of: $0.id) == nil }
        if working.isEmpty, let first = deployments.first { try checkWorks(first.id) }
        return working
    }

    /// Makes sure that a deployment, if it is configured, is served.
    ///
    /// - Throws: ``RuleError`` with `.pluginFailed`.
    func checkWorks(_ id: DeploymentID) throws(RuleError) {
        guard let failure = failure(of: id) else { return }
        let name = models.deployment(id)?.modelName ?? ""
        throw RuleError(.pluginFailed, "\(name) (deployment \(id)): \(failure.message)")
    }
}

/// What the routes go by that can change while the gateway runs, besides models and plugins.
package struct LiveSettings: Sendable, Equatable {
    package let limits: GatewayLimits
    /// After how many seconds a file expires whose upload does not say, by purpose.
    package let defaultExpiry: [FilePurpose: Int64]

    /// Makes settings.
    package init(limits: GatewayLimits, defaultExpiry: [FilePurpose: Int64]) {
        self.limits = limits
        self.defaultExpiry = defaultExpiry
    }
}

/// How soon what is left of files is removed.
package struct FileLifetimes: Sendable {
    let sweepInterval: Duration
    let deletesLostUploads: Bool

    /// Says how soon that is.
    ///
    /// - Parameters:
    ///   - sweepInterval: Between two sweeps.
    ///   - deletesLostUploads: Whether a file that an upload may have left is deleted, or told in the log alone.
    package init(sweepInterval: Duration, deletesLostUploads: Bool) {
        self.sweepInterval = sweepInterval
        self.deletesLostUploads = deletesLostUploads
    }
}

/// The largest things that the routes take.
package struct GatewayLimits: Sendable, Equatable {
    package let fileBytes: Int64
    package let uploadBytes: Int64
    package let requestBytes: Int

    /// As many bodies of the largest size are held at once; many more of an ordinary size.
    private static let largestRequestsAtOnce: Int64 = 4

    /// What the bodies that are held at once may have together.
    var bytesOfRequestsAtOnce: Int64 { Int64(requestBytes) * Self.largestRequestsAtOnce }

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
