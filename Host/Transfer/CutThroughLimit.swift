import Synchronization

/// How many uploads are sent on while they come in.
///
/// Each holds a connection to every one of its providers for as long as its client takes, and there are chats that want
/// those connections, too. Uploads over the limit are sent on when they are whole.
final class CutThroughLimit: Sendable {
    /// Leave to be one of them, which is given back when nobody holds it any more.
    final class Share: Sendable {
        private let limit: CutThroughLimit

        fileprivate init(_ limit: CutThroughLimit) { self.limit = limit }

        deinit { limit.running.withLock { $0 -= 1 } }
    }

    private let maximum: Int
    private let running = Mutex(0)

    init(_ maximum: Int) { self.maximum = maximum }

    /// Takes a share; nil if there is none left.
    func share() -> Share? {
        let isGranted = running.withLock { running in
            guard running < maximum else { return false }
            running += 1
            return true
        }
        return isGranted ? Share(self) : nil
    }
}
