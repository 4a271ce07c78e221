import NIOCore

/// Which addresses a client may connect to.
///
/// It is asked with the very address that a connection is made to, after the name was resolved and for each address of
/// it: what the name means a moment later, or to somebody else, does not matter.
package struct AddressRule: Sendable {
    private let allowsInside: @Sendable (UpstreamEndpoint) -> Bool
    private let trustsProxy: @Sendable (UpstreamEndpoint) -> Bool

    /// Makes a rule; addresses that lead nowhere are refused in any case.
    ///
    /// - Parameters:
    ///   - allowsInside: Whether an endpoint may have an address of this machine or its own networks.
    ///   - trustsProxy: Whether a proxy, which resolves names itself, may choose an endpoint's address.
    package init(
        allowsInside: @escaping @Sendable (UpstreamEndpoint) -> Bool,
        trustsProxy: @escaping @Sendable (UpstreamEndpoint) -> Bool
    ) {
        self.allowsInside = allowsInside
        self.trustsProxy = trustsProxy
    }

    /// Whether a connection to an address may be made on behalf of an endpoint.
    func allows(_ scope: AddressScope, for endpoint: UpstreamEndpoint) -> Bool {
        switch scope {
        case .everywhere: true
        case .inside: allowsInside(endpoint)
        case .nowhere: false
        }
    }

    /// Whether an endpoint may be reached through a proxy, which resolves names itself.
    func allowsProxy(for endpoint: UpstreamEndpoint) -> Bool { trustsProxy(endpoint) }
}

/// The first handler of a channel: asks the rule before the connection is made.
final class AddressGuard: ChannelOutboundHandler {
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    private let rule: AddressRule
    private let endpoint: UpstreamEndpoint

    init(rule: AddressRule, endpoint: UpstreamEndpoint) {
        self.rule = rule
        self.endpoint = endpoint
    }

    func connect(context: ChannelHandlerContext, to address: SocketAddress, promise: EventLoopPromise<Void>?) {
        guard rule.allows(AddressScope(of: address), for: endpoint) else {
            let message = "\(endpoint) has an address that is not public; allow the host if it may be reached"
            promise?.fail(UpstreamError(.denied, message))
            return context.close(promise: nil)
        }
        context.connect(to: address, promise: promise)
    }
}

@available(*, unavailable)
extension AddressGuard: Sendable {}
