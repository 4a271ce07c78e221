import Logging
import NIOCore
import NIOPosix

/// An HTTP/1.1 client for event loops: a connection pool per loop, and no lock, task or hop on a request's way.
package final class UpstreamClient: Sendable {
    private struct Place {
        let loop: any EventLoop
        let pool: NIOLoopBoundBox<LoopPool>
    }

    private let places: [Place]
    private let logger: Logger

    /// Makes a client; no connection is made yet.
    ///
    /// - Parameters:
    ///   - group: The loops requests will be sent on.
    ///   - filePool: Reads the file pieces of bodies; its owner starts and stops it.
    ///   - configuration: Deadlines and limits.
    ///   - logger: Gets debug messages about connections; never a header, body or path.
    /// - Throws: ``UpstreamError`` with `.tls` if the additional authorities cannot be read.
    package init(
        group: any EventLoopGroup,
        filePool: NIOThreadPool,
        configuration: UpstreamConfiguration = UpstreamConfiguration(),
        logger: Logger
    ) throws(UpstreamError) {
        let opener = try ConnectionOpener(configuration: configuration)
        var places: [Place] = []
        for loop in group.makeIterator() {
            let pool = LoopPool(
                loop: loop,
                filePool: filePool,
                configuration: configuration,
                opener: opener,
                logger: logger
            )
            let box = NIOLoopBoundBox.makeBoxSendingValue(pool, eventLoop: loop)
            places.append(Place(loop: loop, pool: box))
        }
        self.places = places
        self.logger = logger
    }

    /// Sends a request; must be called on the loop, which belongs to the client's group.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - loop: Where all calls to the delegate come.
    ///   - delegate: Kept until the exchange is over.
    /// - Returns: The handle to pause and cancel with; it need not be kept.
    @discardableResult
    package func send(
        _ request: UpstreamRequest,
        on loop: any EventLoop,
        delegate: any UpstreamDelegate
    ) -> UpstreamExchange {
        pool(of: loop).send(request, delegate: delegate)
    }

    /// The deadlines of whoever works with this client on the loop, which belongs to the client's group; must be called
    /// there.
    package func deadlines(on loop: any EventLoop) -> LoopDeadlines { pool(of: loop).deadlines }

    private func pool(of loop: any EventLoop) -> LoopPool {
        // There are a few loops only: looking at each is cheaper than hashing.
        guard let place = places.first(where: { $0.loop === loop }) else {
            preconditionFailure("the event loop does not belong to the client's group")
        }
        return place.pool.value
    }

    /// Closes idle connections, gives running exchanges 5 seconds to finish, then ends them with `.cancelled`.
    ///
    /// Requests that wait for a connection, and later ones, fail with `.cancelled` at once.
    package func shutdown() async {
        await withTaskGroup(of: Void.self) { group in
            for place in places {
                group.addTask { await self.shutdown(place) }
            }
        }
    }

    private func shutdown(_ place: Place) async {
        do {
            try await place.loop.flatSubmit { place.pool.value.shutdown(grace: .seconds(5)) }.get()
        } catch {
            logger.debug("upstream pool had no event loop left to shut down on", metadata: ["error": "\(error)"])
        }
    }
}
