import HostCore
import Synchronization

/// When keys were used, until that is written down.
///
/// A key is noted at most once a minute. What is noted stays here until it has been written: a crash loses what came
/// after the last flush, and keys beyond the bound are not noted.
final class KeyUsage: Sendable {
    static let secondsBetweenNotes: Int64 = 60
    private static let capacity = 20_000

    private struct State {
        /// What is still to be written.
        var pending: [KeyID: UnixTime] = [:]
        /// The last note of each key, in two halves: the older one is dropped when the younger one is full.
        var young: [KeyID: UnixTime] = [:]
        var old: [KeyID: UnixTime] = [:]

        mutating func note(_ key: KeyID, at now: UnixTime) {
            if let last = young[key] ?? old[key], isRecent(last, now) { return }
            guard pending.count < KeyUsage.capacity || pending[key] != nil else { return }
            pending[key] = now
            if young.count >= KeyUsage.capacity {
                old = young
                young = [:]
            }
            young[key] = now
        }

        mutating func putBack(_ uses: [Use]) {
            for use in uses where pending.count < KeyUsage.capacity || pending[use.key] != nil {
                pending[use.key] = max(use.time, pending[use.key] ?? use.time)
            }
        }

        /// A clock that was put back makes a note that lies ahead no reason to wait for it.
        private func isRecent(_ last: UnixTime, _ now: UnixTime) -> Bool {
            let age = now.secondsSince1970 - last.secondsSince1970
            return (0..<KeyUsage.secondsBetweenNotes).contains(age)
        }
    }

    /// One key and when it was used.
    struct Use: Sendable {
        let key: KeyID
        let time: UnixTime
    }

    private let state = Mutex(State())

    /// Notes that a key is used at this moment; never waits for the database.
    func note(_ key: KeyID, at now: UnixTime) { state.withLock { $0.note(key, at: now) } }

    /// Takes out everything that is to be written, in the order of the keys' ids.
    func take() -> [Use] {
        let pending = state.withLock { state in
            let pending = state.pending
            state.pending = [:]
            return pending
        }
        return pending.map { Use(key: $0.key, time: $0.value) }.sorted { $0.key.description < $1.key.description }
    }

    /// Keeps what could not be written for the next time.
    func putBack(_ uses: [Use]) { state.withLock { $0.putBack(uses) } }
}
