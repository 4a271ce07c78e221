import Synchronization

/// A fixed number of counters that any thread may add to without a lock.
///
/// `@unchecked Sendable`: the pointer and the count are written once, and all that is behind the pointer are atomics.
final class AtomicCounters: @unchecked Sendable {
    private let counters: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int

    init(_ count: Int) {
        precondition(count > 0)
        self.count = count
        counters = .allocate(capacity: count)
        for index in 0..<count { (counters + index).initialize(to: Atomic(0)) }
    }

    deinit {
        counters.deinitialize(count: count)
        counters.deallocate()
    }

    /// Adds to one of the counters; it wraps at 2^64, which nothing reaches.
    func add(_ amount: UInt64 = 1, to index: Int) {
        precondition(index >= 0 && index < count)
        counters[index].wrappingAdd(amount, ordering: .relaxed)
    }

    func set(_ value: UInt64, at index: Int) {
        precondition(index >= 0 && index < count)
        counters[index].store(value, ordering: .relaxed)
    }

    /// What the counters say; read one after the other, while others may add.
    var values: [UInt64] { (0..<count).map { counters[$0].load(ordering: .relaxed) } }
}
