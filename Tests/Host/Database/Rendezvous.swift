import Foundation

/// Lets threads go on when all have arrived; those that come later pass.
///
/// `@unchecked Sendable`: what varies is touched under `condition` alone.
final class Rendezvous: @unchecked Sendable {
    private let condition = NSCondition()
    private var missing: Int
    private var arrived = 0

    init(parties: Int) { missing = parties }

    /// How many have arrived, those that came later too.
    var arrivals: Int { condition.withLock { arrived } }

    /// Waits for the others, for at most 10 s.
    func arrive() {
        condition.withLock {
            missing -= 1
            arrived += 1
            condition.broadcast()
            let end = Date(timeIntervalSinceNow: 10)
            while missing > 0, condition.wait(until: end) {}
        }
    }
}
