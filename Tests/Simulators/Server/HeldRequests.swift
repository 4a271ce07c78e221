import Synchronization

/// The requests that are held until a test lets them go.
final class HeldRequests: Sendable {
    private struct State {
        var nextNumber = 1
        /// The oldest first.
        var waiting: [(number: Int, gate: AsyncStream<Never>.Continuation)] = []
    }

    private let state = Mutex(State())

    /// How many are held now.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Lets the oldest go.
    ///
    /// - Parameter most: How many at most; nil for all.
    /// - Returns: How many have gone.
    @discardableResult
    func release(_ most: Int? = nil) -> Int {
        let released = state.withLock { state in
            let released = state.waiting.prefix(most ?? .max)
            state.waiting.removeFirst(released.count)
            return released
        }
        for one in released { one.gate.finish() }
        return released.count
    }

    /// Waits until the request is let go.
    ///
    /// - Throws: ``ClientGone`` as soon as the client leaves, `CancellationError` when the simulator stops.
    func hold(_ client: ClientConnection) async throws {
        let (stream, gate) = AsyncStream<Never>.makeStream()
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            state.waiting.append((state.nextNumber, gate))
            return state.nextNumber
        }
        defer { state.withLock { $0.waiting.removeAll { $0.number == number } } }
        try await client.pause {
            for await _ in stream {}
            try Task.checkCancellation()
        }
    }
}
