import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging

/// What the routes work with.
package struct GatewayServices: Sendable {
    package let registry: Registry
    let plugins: PluginHost
    let models: ModelTable
    let fileIDs: FileIDCodec
    package let fanOut: FileFanOut
    let spool: SpoolDirectory
    let clock: any WallClock
    let limits: GatewayLimits
    let requestMemory: RequestMemory
    let logger: Logger

    /// Puts the services together.
    package init(
        registry: Registry,
        plugins: PluginHost,
        models: ModelTable,
        fileIDs: FileIDCodec,
        spool: SpoolDirectory,
        clock: any WallClock,
        limits: GatewayLimits,
        logger: Logger
    ) {
        self.registry = registry
        self.plugins = plugins
        self.models = models
        self.fileIDs = fileIDs
        fanOut = FileFanOut(plugins: plugins, journal: registry, logger: logger)
        self.spool = spool
        self.clock = clock
        self.limits = limits
        requestMemory = RequestMemory(limitInBytes: Int64(limits.requestBytes) * GatewayLimits.largestRequestsAtOnce)
        self.logger = logger
    }
}

/// The largest things that the routes take.
package struct GatewayLimits: Sendable {
    package let fileBytes: Int64
    package let requestBytes: Int

    /// As many bodies of the largest size are held at once; many more of an ordinary size.
    static let largestRequestsAtOnce: Int64 = 4

    /// Makes the limits.
    ///
    /// - Parameters:
    ///   - fileBytes: Of one uploaded file.
    ///   - requestBytes: Of the body of a chat or embeddings request.
    package init(fileBytes: Int64, requestBytes: Int) {
        self.fileBytes = fileBytes
        self.requestBytes = requestBytes
    }
}
