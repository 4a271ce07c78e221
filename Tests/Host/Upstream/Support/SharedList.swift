import Synchronization

/// A list that several threads append to.
final class SharedList: Sendable {
    private let state = Mutex<[String]>([])

    var all: [String] { state.withLock { $0 } }

    func append(_ text: String) {
        state.withLock { $0.append(text) }
    }
}
