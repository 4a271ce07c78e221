import HostCore
import Synchronization

/// What providers are being asked about objects: one question at a time about each, whoever wants to know.
final class ObjectQuestions: Sendable {
    /// What was asked within this time is fresh.
    private static let freshness: Duration = .seconds(2)
    private static let mostTimesKept = 10_000

    /// A question that somebody waits for.
    struct Question: Sendable {
        fileprivate let end: AsyncStream<Never>

        /// Waits until the question is answered, or the time or the calling task is over.
        func wait(atMost limit: Duration?) async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in end {} }
                if let limit {
                    group.addTask {
                        do { try await Task.sleep(for: limit) } catch { return }
                    }
                }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private struct Open {
        var task: Task<Void, Never>?
        var waiters: [AsyncStream<Never>.Continuation] = []
    }

    private struct State {
        var open: [ObjectID: Open] = [:]
        var askedAt: [ObjectID: ContinuousClock.Instant] = [:]
    }

    private let state = Mutex(State())

    /// Asks about an object, unless that is being done.
    ///
    /// - Parameters:
    ///   - id: The object.
    ///   - ifNotFresh: Whether nobody has to ask if somebody did a moment ago.
    ///   - work: Asks.
    /// - Returns: What can be waited for; nil if nobody has to ask.
    func ask(
        about id: ObjectID,
        ifNotFresh: Bool,
        _ work: @escaping @Sendable () async -> Void
    ) -> Question? {
        let (end, continuation) = AsyncStream.makeStream(of: Never.self)
        return state.withLock { state in
            if state.open[id] == nil {
                if ifNotFresh, let time = state.askedAt[id], .now - time < Self.freshness { return nil }
                state.open[id] = Open(waiters: [continuation])
                // It outlives whoever asked: others may wait for it, and what it finds is written down.
                state.open[id]?.task = Task { [weak self] in
                    await work()
                    self?.answered(id)
                }
            } else {
                state.open[id]?.waiters.append(continuation)
            }
            return Question(end: end)
        }
    }

    /// Cancels what is being asked, and waits for its end.
    func end() async {
        let tasks = state.withLock { $0.open.values.compactMap(\.task) }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func answered(_ id: ObjectID) {
        let waiters = state.withLock { state in
            if state.askedAt.count >= Self.mostTimesKept {
                let oldest = ContinuousClock.now - Self.freshness
                state.askedAt = state.askedAt.filter { $0.value > oldest }
            }
            state.askedAt[id] = .now
            return state.open.removeValue(forKey: id)?.waiters ?? []
        }
        for waiter in waiters { waiter.finish() }
    }
}
