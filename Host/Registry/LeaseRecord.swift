import Synchronization

/// Since when this host's own lease has not been broken.
///
/// After an outage of the database every lease has run out: whoever comes back first must not take the others, which
/// come back as well, for dead.
final class LeaseRecord: Sendable {
    private let unbrokenSince = Mutex<Duration?>(nil)

    /// Notes that the lease was renewed.
    func renewed(wasUnbroken: Bool, at now: Duration) {
        unbrokenSince.withLock { since in
            if !wasUnbroken || since == nil { since = now }
        }
    }

    /// Whether the lease has been unbroken for as long as this.
    func isUnbroken(for time: Duration, at now: Duration) -> Bool {
        unbrokenSince.withLock { $0.map { now - $0 >= time } ?? false }
    }
}
