import NIOCore

/// One live worker of a plugin: a process with the library, its instance and all targets, and a socket for each event
/// loop.
struct Worker: Sendable {
    let state: WorkerState
    let startedAt: ContinuousClock.Instant
    private let channels: [ObjectIdentifier: WorkerChannel]

    init(_ state: WorkerState, channels: [WorkerChannel]) {
        self.state = state
        startedAt = .now
        self.channels = Dictionary(channels.map { (ObjectIdentifier($0.loop), $0) }) { first, _ in first }
    }

    /// The socket of an event loop's operations; nil for a loop that is none of the host's.
    func channel(on loop: any EventLoop) -> WorkerChannel? { channels[ObjectIdentifier(loop)] }

    /// Ends it; what it still does fails.
    func end() {
        state.process.kill()
        for channel in channels.values { channel.loop.execute { channel.close() } }
    }
}
