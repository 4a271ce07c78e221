import HostUpstream
import NIOPosix

/// What every operation needs of the host.
package struct OperationEnvironment: Sendable {
    let upstream: UpstreamClient
    /// For steps that may compute for longer than an event loop can spare.
    let pool: NIOThreadPool

    /// Makes the environment.
    package init(upstream: UpstreamClient, pool: NIOThreadPool) {
        self.upstream = upstream
        self.pool = pool
    }
}
