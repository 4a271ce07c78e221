import NIOCore
import NIOPosix

/// Deadlines and limits of a client.
package struct UpstreamConfiguration: Sendable {
    /// For name resolution, TCP and TLS together.
    package var connectTimeout: TimeAmount = .seconds(10)
    /// From the last byte of the request to the head of the answer.
    package var firstByteTimeout: TimeAmount = .seconds(300)
    /// Between two reads of an answer, while its reader is not paused.
    package var idleReadTimeout: TimeAmount = .seconds(300)
    /// Between two pieces of a large body that the peer accepts, of 256 KiB or, without TLS, 1 MiB of a file.
    package var writeStallTimeout: TimeAmount = .seconds(60)
    /// How long a request waits for a connection when all are in use.
    package var waitTimeout: TimeAmount = .seconds(30)

    /// Idle connections kept, per endpoint and event loop.
    package var maximumIdleConnections = 64
    /// Shorter than the 60 seconds after which most servers and load balancers close.
    package var idleLifetime: TimeAmount = .seconds(55)
    /// Connections of any state, per endpoint and event loop.
    package var maximumConnections = 2_048
    /// Requests that wait for one of them, per endpoint and event loop; more are refused at once.
    package var maximumWaiting = 1_024

    /// Bytes of one header of an answer, and of all of them.
    package var maximumHeadSizeInBytes = 80 * 1_024

    /// A PEM file of certificate authorities to trust besides the system's.
    package var additionalTrustRootsPath: String?
    /// The proxies on the way; none by default.
    package var proxies = UpstreamProxies()
    /// Which addresses may be connected to; any if absent.
    ///
    /// With a rule only the endpoints that may lie inside go through a proxy, where no address can be judged.
    package var addressRule: AddressRule?
    /// Makes what resolves names on a loop; nil for the system's resolver.
    package var makeResolver: (@Sendable (any EventLoop) -> any Resolver & Sendable)?

    /// Makes the default configuration.
    package init() {}
}
