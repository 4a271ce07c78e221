import HTTPTypes
import HostCore
import HostPlugins
import Hummingbird

/// A request with who asks.
struct Call: Sendable {
    let request: Request
    let context: GatewayContext
    let principal: Principal
}

/// Every route of the gateway: the one list from which the router is made.
///
/// A path that exists answers 405 for the methods it does not have, and a path that does not exist 404.
package struct RouteTable: Sendable {
    /// Who may call a route.
    package enum Access: String, Sendable {
        /// Anybody: health checks.
        case open
        /// The bearer of a valid key.
        case key
        /// The bearer of a user's key, about keys of that user; or an administrator.
        case owner
        /// An administrator or a viewer.
        case reader
        /// An administrator.
        case admin
    }

    /// One row of the list.
    package struct Route: Sendable {
        package let method: HTTPRequest.Method
        package let path: String
        package let access: Access
        /// Nil for a route of the fast lane, whose requests never come to the router.
        let respond: (@Sendable (Request, GatewayContext) async throws -> Response)?
    }

    private static let methods: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete, .options]

    /// All routes, in the order they were added.
    package private(set) var routes: [Route] = []
    private(set) var fastRoutes = FastRoutes()
    private let authenticator: Authenticator
    private let plugins: PluginHost

    init(authenticator: Authenticator, plugins: PluginHost) {
        self.authenticator = authenticator
        self.plugins = plugins
    }

    /// Adds a route that needs no key.
    mutating func open(
        _ method: HTTPRequest.Method,
        _ paths: [String],
        _ respond: @escaping @Sendable (Request, GatewayContext) async throws -> Response
    ) {
        for path in paths { routes.append(Route(method: method, path: path, access: .open, respond: respond)) }
    }

    /// Adds a route for the bearers of keys, or for some of them.
    mutating func add(
        _ method: HTTPRequest.Method,
        _ paths: [String],
        access: Access = .key,
        _ respond: @escaping @Sendable (Call) async throws -> Response
    ) {
        let (authenticator, plugins) = (authenticator, plugins)
        for path in paths {
            let route = Route(method: method, path: path, access: access) { request, context in
                let principal = try await authenticator.principal(of: request)
                try Self.check(principal, access)
                let call = Call(request: request, context: context, principal: principal)
                // What changes meanwhile is not this request's business.
                return try await PluginSnapshot.$pinned.withValue(plugins.current) { try await respond(call) }
            }
            routes.append(route)
        }
    }

    /// Adds a route of the fast lane, for the bearers of keys.
    mutating func fast(_ paths: [String], _ kind: OperationKind) {
        for path in paths {
            fastRoutes.add(path, kind)
            routes.append(Route(method: .post, path: path, access: .key, respond: nil))
        }
    }

    /// Makes the router.
    func router() -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: AnswerMiddleware())
        for route in routes {
            guard let respond = route.respond else { continue }
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await respond(request, context)
            }
        }
        for (path, served) in Dictionary(grouping: routes, by: \.path) {
            let allowed = served.map(\.method)
            for method in Self.methods where !allowed.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw MethodNotAllowed(allowed: allowed)
                }
            }
        }
        return router
    }

    private static func check(_ principal: Principal, _ access: Access) throws(RuleError) {
        let isAllowed =
            switch (access, principal.role) {
            case (.open, _), (.key, _), (_, .admin), (.reader, .viewer): true
            case (.owner, .user): principal.userID != nil
            case (.owner, .viewer), (.reader, .user), (.admin, .user), (.admin, .viewer): false
            }
        guard isAllowed else {
            throw RuleError(.adminOnly, "\(principal.displayName) is no administrator: this needs the master key.")
        }
    }
}

/// The path exists, the method does not.
struct MethodNotAllowed: Error {
    let allowed: [HTTPRequest.Method]
}
