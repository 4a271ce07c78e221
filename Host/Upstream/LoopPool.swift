import Logging
import NIOCore
import NIOPosix

/// The connections of one event loop, by endpoint.
///
/// Used on that loop only.
final class LoopPool {
    let loop: any EventLoop
    let filePool: NIOThreadPool
    let configuration: UpstreamConfiguration
    let opener: ConnectionOpener
    let logger: Logger
    let deadlines: LoopDeadlines
    private(set) var isShutDown = false

    private var endpoints: [UpstreamEndpoint: EndpointPool] = [:]
    /// Spares hashing the host's name when one request follows another to the same place.
    private var lastUsed: EndpointPool?
    private var allClosed: EventLoopPromise<Void>?

    init(
        loop: any EventLoop,
        filePool: NIOThreadPool,
        configuration: UpstreamConfiguration,
        opener: ConnectionOpener,
        logger: Logger
    ) {
        self.loop = loop
        self.filePool = filePool
        self.configuration = configuration
        self.opener = opener
        self.logger = logger
        deadlines = LoopDeadlines(loop: loop)
    }

    func send(_ request: UpstreamRequest, delegate: any UpstreamDelegate) -> UpstreamExchange {
        let pool = pool(for: request.url.endpoint)
        let exchange = UpstreamExchange(request: request, pool: pool, delegate: delegate)
        if isShutDown {
            exchange.failSoon(UpstreamError(.cancelled, "the gateway is shutting down"))
        } else {
            pool.submit(exchange)
        }
        return exchange
    }

    private func pool(for endpoint: UpstreamEndpoint) -> EndpointPool {
        if let lastUsed, lastUsed.endpoint == endpoint { return lastUsed }
        let pool = endpoints[endpoint] ?? EndpointPool(endpoint: endpoint, owner: self)
        endpoints[endpoint] = pool
        lastUsed = pool
        return pool
    }

    /// Forgets an endpoint without connections and waiting requests, so that their number stays bounded.
    func endpointBecameEmpty(_ pool: EndpointPool) {
        guard endpoints[pool.endpoint] === pool else { return }
        endpoints[pool.endpoint] = nil
        if lastUsed === pool { lastUsed = nil }
        if endpoints.isEmpty, let allClosed { allClosed.succeed() }
    }

    /// Runs work after the current event, so that no delegate is called from inside the call that caused it.
    func soon(_ work: @escaping () -> Void) {
        loop.assumeIsolated().execute(work)
    }

    // MARK: Shutdown

    func shutdown(grace: TimeAmount) -> EventLoopFuture<Void> {
        if let allClosed { return allClosed.futureResult }
        let promise = loop.makePromise(of: Void.self)
        allClosed = promise
        isShutDown = true
        for pool in endpoints.values { pool.drain() }
        guard !endpoints.isEmpty else {
            promise.succeed()
            return promise.futureResult
        }
        let timer = loop.assumeIsolated().scheduleTask(in: grace) {
            for pool in self.endpoints.values { pool.abandon() }
            promise.succeed()
        }
        promise.futureResult.assumeIsolated().whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }
}
