import HostCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Makes TCP and TLS connections and puts the handlers on them.
struct ConnectionOpener: Sendable {
    private let tls: NIOSSLContext
    private let connectTimeout: TimeAmount
    /// What a decoder of answers takes.
    let limits: NIOHTTPDecoderLimitConfiguration
    private let proxies: UpstreamProxies
    private let addressRule: AddressRule?
    private let makeResolver: (@Sendable (any EventLoop) -> any Resolver & Sendable)?

    /// - Throws: ``UpstreamError`` with `.tls` if the additional authorities cannot be read.
    init(configuration: UpstreamConfiguration) throws(UpstreamError) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.applicationProtocols = ["http/1.1"]
        tls.minimumTLSVersion = .tlsv12
        // Connections are closed only when nothing on them is wanted any more.
        tls.shutdownTimeout = .seconds(1)
        do {
            if let path = configuration.additionalTrustRootsPath {
                tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(path))]
            }
            self.tls = try NIOSSLContext(configuration: tls)
        } catch {
            let path = configuration.additionalTrustRootsPath.map { " of \($0)" } ?? ""
            throw UpstreamError(
                .tls,
                "the trusted authorities\(path) cannot be loaded; check the PEM file",
                cause: error
            )
        }
        connectTimeout = configuration.connectTimeout
        proxies = configuration.proxies
        addressRule = configuration.addressRule
        makeResolver = configuration.makeResolver
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maximumHeadSizeInBytes
        limits.maxHeaderListSize = configuration.maximumHeadSizeInBytes
        self.limits = limits
    }

    /// The proxy on the way to an endpoint.
    func proxy(for endpoint: UpstreamEndpoint) -> UpstreamProxy? {
        addressRule?.allowsProxy(for: endpoint) == false ? nil : proxies.proxy(for: endpoint)
    }

    /// Opens a connection; tells it of the outcome, and never from inside this call.
    func open(_ connection: UpstreamConnection) {
        reach(connection).assumeIsolated().whenComplete { result in
            do {
                try addHandlers(to: try result.get(), connection)
            } catch {
                let error = UpstreamError.opening(connection.endpoint, error)
                connection.pool.owner.soon { connection.failedToOpen(error) }
            }
        }
    }

    /// A channel on which the endpoint answers: its own, a proxy that passes requests on, or a tunnel through one.
    private func reach(_ connection: UpstreamConnection) -> EventLoopFuture<any Channel> {
        let (endpoint, loop) = (connection.endpoint, connection.loop)
        guard let proxy = connection.pool.proxy else { return connect(connection, to: endpoint, by: addressRule) }
        guard endpoint.scheme == .http || !endpoint.isAddress else {
            // The certificate of an address is compared with the address of the peer, which would be the proxy.
            let advice = "name the host instead, or except it from the proxy with NO_PROXY"
            let error = UpstreamError(
                .denied,
                "\(endpoint) is an address and cannot be verified behind a proxy; \(advice)"
            )
            return loop.makeFailedFuture(error)
        }
        let connected = connect(connection, to: proxy.endpoint, by: nil).flatMapErrorThrowing { error in
            throw UpstreamError.opening(proxy.endpoint, error)
        }
        guard endpoint.scheme == .https else { return connected }
        return connected.flatMap { channel in
            ProxyTunnel.open(to: endpoint, through: proxy, on: channel, timeout: connectTimeout)
        }
    }

    /// Connects to the endpoint or the proxy; after a time-out that came late, once more.
    ///
    /// Whoever stood still did not see whether the peer has accepted, and the channel is closed already: a new one is
    /// the second look.
    private func connect(
        _ connection: UpstreamConnection,
        to endpoint: UpstreamEndpoint,
        by rule: AddressRule?
    ) -> EventLoopFuture<any Channel> {
        let loop = connection.loop
        let due = NIODeadline.now() + connectTimeout
        return connect(to: endpoint, by: rule, on: loop).assumeIsolated().flatMapError { error in
            let lateness = Duration(NIODeadline.now() - due)
            guard case ChannelError.connectTimeout = error, connection.phase == .opening,
                LateTimer.secondLook(after: lateness) != nil
            else { return loop.makeFailedFuture(error) }
            connection.openingBeginsAgain()
            return connect(to: endpoint, by: rule, on: loop)
        }.nonisolated()
    }

    private func connect(
        to endpoint: UpstreamEndpoint,
        by rule: AddressRule?,
        on loop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        var bootstrap = ClientBootstrap(group: loop).connectTimeout(connectTimeout).resolver(makeResolver?(loop))
        if let rule {
            bootstrap = bootstrap.channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AddressGuard(rule: rule, endpoint: endpoint))
                }
            }
        }
        guard endpoint.isAddress else { return bootstrap.connect(host: endpoint.host, port: endpoint.port) }
        do {
            // Asked for an address, the resolver would only give it back, from another thread.
            return bootstrap.connect(to: try SocketAddress(ipAddress: endpoint.host, port: endpoint.port))
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    private func addHandlers(to channel: any Channel, _ connection: UpstreamConnection) throws {
        let pipeline = channel.pipeline.syncOperations
        let endpoint = connection.endpoint
        do {
            // Closed by its peer already, or the client was shut down in the meantime.
            guard channel.isActive, connection.phase == .opening else { throw ChannelError.alreadyClosed }
            if endpoint.scheme == .https {
                // RFC 6066 §3: an address is not a server name; the certificate is then compared with the peer's address.
                let name = endpoint.isAddress ? nil : endpoint.host
                try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
            }
            try pipeline.addHandler(WireHandler(connection: connection))
            try pipeline.addHandler(ByteToMessageHandler(connection.decoder))
            try pipeline.addHandler(connection)
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }
}
