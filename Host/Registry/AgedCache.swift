import Synchronization

/// Values that were read not long ago, a bounded number of them.
///
/// A value is used until it is so old, counted from before it was read: a change that another host commits is seen at
/// the latest then. A change of this host is seen at once: ``remove(_:)`` also keeps out what is being read meanwhile.
final class AgedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Taken before a read; says how fresh what it finds will be.
    struct Ticket: Sendable {
        fileprivate let takenAt: Duration
        fileprivate let generation: UInt64
    }

    private struct Entry: Sendable {
        let value: Value
        let readAt: Duration
    }

    /// Two halves: when the young one is full it becomes the old one, and the old one is dropped.
    private struct State {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]
        /// Counts removals: what was read before one is not kept after it.
        var generation: UInt64 = 0

        func value(of key: Key, readAfter oldest: Duration) -> Value? {
            guard let entry = young[key] ?? old[key], entry.readAt > oldest else { return nil }
            return entry.value
        }

        mutating func remove(_ keys: [Key]) {
            generation &+= 1
            for key in keys {
                young[key] = nil
                old[key] = nil
            }
        }

        /// - Returns: What was dropped, to be freed outside the lock.
        mutating func removeAll() -> [[Key: Entry]] {
            generation &+= 1
            let dropped = [young, old]
            young = [:]
            old = [:]
            return dropped
        }

        /// - Returns: What was dropped, to be freed outside the lock.
        mutating func insert(_ value: Value, for key: Key, readAt: Duration, halfCapacity: Int) -> [Key: Entry] {
            var dropped: [Key: Entry] = [:]
            if young.count >= halfCapacity, young[key] == nil {
                swap(&dropped, &old)
                swap(&old, &young)
            }
            young[key] = Entry(value: value, readAt: readAt)
            return dropped
        }
    }

    private let state = Mutex(State())
    private let halfCapacity: Int
    private let maximumAge: Duration
    private let clock: any MonotonicClock

    /// Makes an empty cache.
    init(capacity: Int, maximumAge: Duration, clock: any MonotonicClock) {
        halfCapacity = max(1, capacity / 2)
        self.maximumAge = maximumAge
        self.clock = clock
    }

    /// The value of a key, if it is here and fresh.
    func value(for key: Key) -> Value? {
        let oldest = clock.now() - maximumAge
        return state.withLock { $0.value(of: key, readAfter: oldest) }
    }

    /// The values of these keys that are here and fresh, in the keys' order; nil for each that is not.
    func values(for keys: some Sequence<Key>) -> [Value?] {
        let oldest = clock.now() - maximumAge
        return state.withLock { state in keys.map { state.value(of: $0, readAfter: oldest) } }
    }

    /// Says that a read begins.
    func ticket() -> Ticket {
        Ticket(takenAt: clock.now(), generation: state.withLock(\.generation))
    }

    /// Keeps what a read found, unless something was removed since it began.
    func insert(_ found: some Sequence<(Key, Value)>, readWith ticket: Ticket) {
        for (key, value) in found {
            let dropped = state.withLock { state in
                state.generation == ticket.generation
                    ? state.insert(value, for: key, readAt: ticket.takenAt, halfCapacity: halfCapacity) : [:]
            }
            withExtendedLifetime(dropped) {}
        }
    }

    /// Forgets keys whose values have changed.
    func remove(_ keys: [Key]) { state.withLock { $0.remove(keys) } }

    /// Forgets everything.
    func removeAll() {
        let dropped = state.withLock { $0.removeAll() }
        withExtendedLifetime(dropped) {}
    }

    /// How many entries are held, fresh or not.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }
}
