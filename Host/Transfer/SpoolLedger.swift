import Synchronization

/// Counts the bytes that all uploads together have been promised, so that they cannot fill the disk between them.
final class SpoolLedger: Sendable {
    let limitInBytes: Int64
    private let reserved = Mutex<Int64>(0)

    init(limitInBytes: Int64) { self.limitInBytes = limitInBytes }

    /// The bytes promised now.
    var reservedBytes: Int64 { reserved.withLock { $0 } }

    /// Promises so many bytes more.
    fileprivate func take(_ bytes: Int64) throws(SpoolError) {
        let isTaken = reserved.withLock { reserved in
            guard bytes <= limitInBytes - reserved else { return false }
            reserved += bytes
            return true
        }
        guard isTaken else {
            throw SpoolError(
                .full,
                "Uploads in progress fill the spool's limit of \(limitInBytes) bytes. Try again when they have ended."
            )
        }
    }

    /// Counts bytes that are there already, whether or not they fit.
    fileprivate func count(_ bytes: Int64) { reserved.withLock { $0 += bytes } }

    fileprivate func giveBack(_ bytes: Int64) { reserved.withLock { $0 -= bytes } }
}

/// One file's share of the spool; it is given back when the last reference goes.
final class SpoolReservation: Sendable {
    private let ledger: SpoolLedger
    private let held = Mutex<Int64>(0)

    /// Reserves so many bytes.
    ///
    /// - Throws: ``SpoolError`` with `.full`.
    init(_ bytes: Int64, in ledger: SpoolLedger) throws(SpoolError) {
        self.ledger = ledger
        try set(bytes)
    }

    /// Makes an empty share.
    init(in ledger: SpoolLedger) { self.ledger = ledger }

    deinit { ledger.giveBack(held.withLock { $0 }) }

    /// Adds bytes that are there already, whether or not they fit.
    func count(_ bytes: Int64) {
        ledger.count(bytes)
        held.withLock { $0 += bytes }
    }

    /// Gives so many bytes back, or as many as there are.
    func giveBack(_ bytes: Int64) {
        let given = held.withLock { held in
            let given = min(bytes, held)
            held -= given
            return given
        }
        ledger.giveBack(given)
    }

    /// Takes over what another share of the same ledger has.
    func absorb(_ other: SpoolReservation) {
        let bytes = other.held.withLock { held in
            defer { held = 0 }
            return held
        }
        held.withLock { $0 += bytes }
    }

    /// Makes the share so large, larger or smaller than before.
    ///
    /// - Throws: ``SpoolError`` with `.full`; then the share is what it was.
    func set(_ bytes: Int64) throws(SpoolError) {
        let outcome = held.withLock { held in
            Result { () throws(SpoolError) in
                if bytes > held { try ledger.take(bytes - held) } else { ledger.giveBack(held - bytes) }
                held = bytes
            }
        }
        try outcome.get()
    }

    var bytes: Int64 { held.withLock { $0 } }
}
