import Synchronization

/// A number that several threads add to, and can wait for.
final class SharedCounter: Sendable {
    private struct State {
        var value = 0
        var waiting: [(threshold: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var value: Int { state.withLock { $0.value } }

    @discardableResult
    func add(_ amount: Int) -> Int {
        let (value, ready) = state.withLock { state in
            state.value += amount
            let value = state.value
            let ready = state.waiting.filter { $0.threshold <= value }
            state.waiting.removeAll { $0.threshold <= value }
            return (value, ready.map { $0.continuation })
        }
        for continuation in ready { continuation.resume() }
        return value
    }

    /// Keeps the largest value it was ever given.
    func raise(to other: Int) {
        state.withLock { $0.value = max($0.value, other) }
    }

    func waits(for threshold: Int) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.value >= threshold { return true }
                state.waiting.append((threshold, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}

extension SharedCounter {
    /// Runs work once the number is at least this.
    func whenReached(_ threshold: Int, _ work: @escaping @Sendable () -> Void) {
        Task {
            await waits(for: threshold)
            work()
        }
    }
}
