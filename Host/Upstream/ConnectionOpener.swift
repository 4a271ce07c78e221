import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Makes TCP and TLS connections and puts the handlers on them.
struct ConnectionOpener: Sendable {
    private let tls: NIOSSLContext
    private let connectTimeout: TimeAmount
    private let limits: NIOHTTPDecoderLimitConfiguration

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
            throw UpstreamError(.tls, "the trusted authorities cannot be loaded; check the PEM file", cause: error)
        }
        connectTimeout = configuration.connectTimeout
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maximumHeadSizeInBytes
        limits.maxHeaderListSize = configuration.maximumHeadSizeInBytes
        self.limits = limits
    }

    /// Opens a connection; tells it of the outcome, and never from inside this call.
    func open(_ connection: UpstreamConnection) {
        connect(to: connection.endpoint, on: connection.loop).assumeIsolated().whenComplete { result in
            do {
                try addHandlers(to: try result.get(), connection)
            } catch {
                let error = UpstreamError.opening(connection.endpoint, error)
                connection.pool.owner.soon { connection.failedToOpen(error) }
            }
        }
    }

    private func connect(to endpoint: UpstreamEndpoint, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(connectTimeout)
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
            try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(limitConfiguration: limits)))
            try pipeline.addHandler(connection)
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }
}
