import HostCore
import Hummingbird
import Logging
import NIOCore

/// Puts the routes together and makes the HTTP server.
package struct GatewayServer: Sendable {
    /// All routes of the gateway.
    package let routes: RouteTable
    private let services: GatewayServices
    private let authenticator: Authenticator

    /// Makes the routes.
    package init(_ services: GatewayServices) {
        self.services = services
        authenticator = Authenticator(registry: services.registry)
        var table = RouteTable(authenticator: authenticator, plugins: services.plugins)
        HealthRoutes(services: services).add(to: &table)
        FileRoutes(services: services).add(to: &table)
        UploadRoutes(services: services).add(to: &table)
        BatchRoutes(services: services).add(to: &table)
        JobRoutes(services: services).add(to: &table)
        ModelRoutes().add(to: &table)
        ResponseRoutes(services: services).add(to: &table)
        CatalogRoutes(services: services).add(to: &table)
        PluginStatusRoutes(services: services).add(to: &table)
        PluginFunctionRoutes(services: services).add(to: &table)
        UserRoutes(registry: services.registry).add(to: &table)
        KeyRoutes(registry: services.registry).add(to: &table)
        TeamRoutes(registry: services.registry).add(to: &table)
        routes = table
    }

    /// Makes the server; it listens when its service runs.
    ///
    /// - Parameters:
    ///   - host: The address to listen on.
    ///   - port: 0 lets the system choose one.
    ///   - group: The event loops of the connections.
    ///   - logger: For one line a request, at `debug`.
    ///   - onListening: Called with the bound address.
    /// - Returns: A service.
    package func application(
        host: String,
        port: Int,
        group: any EventLoopGroup,
        logger: Logger,
        onListening: @escaping @Sendable (SocketAddress?) async -> Void
    ) -> some ApplicationProtocol {
        let (fastRoutes, services, authenticator) = (routes.fastRoutes, services, authenticator)
        let frontDoor: @Sendable () -> FrontDoor = {
            FrontDoor(
                routes: fastRoutes,
                calls: FastCall.Maker(services: services, authenticator: authenticator)
            )
        }
        return Application(
            router: routes.router(),
            server: .http1(configuration: .init(additionalChannelHandlers: [frontDoor()])),
            configuration: .init(address: .hostname(host, port: port)),
            onServerRunning: { channel in await onListening(channel.localAddress) },
            eventLoopGroupProvider: .shared(group),
            logger: logger
        )
    }
}
