import Glibc
import Logging
import NIOCore
import ServiceLifecycle

/// Ends the process when running requests do not end in time after a stop signal.
///
/// An upload waits for its providers, whatever its client does, so that it knows what to undo. What is cut off here
/// stands in the journal, and the next start undoes it.
struct DrainDeadline: Service {
    /// Beyond the drain time, for the requests that were told to end to do so.
    private static let grace: TimeAmount = .seconds(1)

    let drainTimeout: Duration
    let group: any EventLoopGroup
    let logger: Logger

    func run() async throws {
        try await gracefulShutdown()
        _ = group.next().scheduleTask(in: TimeAmount(drainTimeout) + Self.grace) { [logger] in
            logger.warning("requests were still running at the end of the drain time and are cut off")
            _exit(0)
        }
    }
}
