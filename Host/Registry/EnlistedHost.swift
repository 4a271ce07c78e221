import Synchronization

/// As which host this process works.
final class EnlistedHost: Sendable {
    private let known = Mutex<String?>(nil)

    /// Nil as long as it does not work.
    var name: String? { known.withLock { $0 } }

    func set(_ name: String) { known.withLock { $0 = name } }
}
