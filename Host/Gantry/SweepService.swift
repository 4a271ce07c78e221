import HostTransfer
import ServiceLifecycle

/// Sweeps beside the server until the gateway stops.
struct SweepService: Service {
    let sweeper: Sweeper

    func run() async throws {
        await cancelWhenGracefulShutdown { await sweeper.run() }
    }
}
