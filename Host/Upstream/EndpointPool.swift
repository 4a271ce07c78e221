import Logging
import NIOCore

/// The connections to one endpoint on one event loop, and the requests that wait for one.
///
/// A request takes the connection used last. Without one it queues and a connection is opened, and it gets whichever
/// is free first. So there are never fewer connections on their way than requests that wait, up to the limit.
final class EndpointPool {
    let endpoint: UpstreamEndpoint
    let owner: LoopPool
    let proxy: UpstreamProxy?

    private var idle: [UpstreamConnection] = []
    private var connections: [ObjectIdentifier: UpstreamConnection] = [:]
    private var openingCount = 0
    private var waiting = CircularBuffer<UpstreamExchange>()

    private var configuration: UpstreamConfiguration { owner.configuration }

    init(endpoint: UpstreamEndpoint, owner: LoopPool) {
        self.endpoint = endpoint
        self.owner = owner
        proxy = owner.opener.proxy(for: endpoint)
    }

    // MARK: Requests

    func submit(_ exchange: UpstreamExchange) {
        if exchange.needsNewConnection, connections.count >= configuration.maximumConnections {
            idle.popLast()?.close()
        }
        if !exchange.needsNewConnection, let connection = idle.popLast() {
            connection.start(exchange, isReused: true)
        } else if connections.count < configuration.maximumConnections
            || waiting.count - openingCount < configuration.maximumWaiting
        {
            exchange.wait(atMost: configuration.waitTimeout)
            waiting.append(exchange)
            openMissing()
        } else {
            exchange.failSoon(
                UpstreamError(.overloaded, "too many requests already wait for a connection to \(endpoint)")
            )
        }
    }

    /// Takes back a request whose connection died unused: it goes first, and on a new connection only.
    func retry(_ exchange: UpstreamExchange) {
        owner.logger.debug("upstream request is repeated", metadata: ["upstream.endpoint": "\(endpoint)"])
        exchange.needsNewConnection = true
        exchange.wait(atMost: configuration.waitTimeout)
        waiting.prepend(exchange)
        openMissing()
    }

    func withdraw(_ exchange: UpstreamExchange) {
        if let index = waiting.firstIndex(where: { $0 === exchange }) { waiting.remove(at: index) }
        forgetIfEmpty()
    }

    // MARK: Connections

    private func openMissing() {
        while !owner.isShutDown, waiting.count > openingCount, connections.count < configuration.maximumConnections {
            let connection = UpstreamConnection(pool: self)
            connections[ObjectIdentifier(connection)] = connection
            openingCount += 1
            owner.opener.open(connection)
        }
    }

    func opened(_ connection: UpstreamConnection) {
        openingCount -= 1
        if owner.isShutDown {
            connection.close()
        } else if let exchange = waiting.popFirst() {
            connection.start(exchange, isReused: false)
        } else {
            park(connection)
        }
    }

    func failedToOpen(_ connection: UpstreamConnection, _ error: UpstreamError) {
        openingCount -= 1
        connections[ObjectIdentifier(connection)] = nil
        owner.logger.debug(
            "upstream connection failed",
            metadata: [
                "upstream.endpoint": "\(endpoint)", "error": "\(error)",
                "error.cause": "\(error.cause.map { "\($0)" } ?? "")",
            ]
        )
        // With enough others on their way, nobody needs this one.
        if waiting.count > openingCount, let exchange = waiting.popFirst() { exchange.fail(error) }
        openMissing()
        forgetIfEmpty()
    }

    /// Takes back a connection whose exchange is over and that can serve another.
    func release(_ connection: UpstreamConnection) {
        if let index = waiting.firstIndex(where: { !$0.needsNewConnection }) {
            connection.start(waiting.remove(at: index), isReused: true)
        } else if owner.isShutDown || waiting.count > openingCount {
            // Whoever waits wants a new connection: make room for it.
            connection.close()
        } else {
            park(connection)
        }
    }

    private func park(_ connection: UpstreamConnection) {
        guard idle.count < configuration.maximumIdleConnections else { return connection.close() }
        idle.append(connection)
        connection.becameIdle()
    }

    func closed(_ connection: UpstreamConnection) {
        connections[ObjectIdentifier(connection)] = nil
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
        openMissing()
        forgetIfEmpty()
    }

    private func forgetIfEmpty() {
        if connections.isEmpty, waiting.isEmpty { owner.endpointBecameEmpty(self) }
    }

    // MARK: Shutdown

    /// Ends what has not begun.
    func drain() {
        while let exchange = waiting.popFirst() {
            exchange.failSoon(UpstreamError(.cancelled, "the gateway is shutting down"))
        }
        for connection in idle { connection.close() }
        forgetIfEmpty()
    }

    /// Ends what still runs.
    func abandon() {
        for connection in connections.values {
            connection.fail(UpstreamError(.cancelled, "the gateway is shutting down"), evenIfHeld: true)
        }
    }
}
