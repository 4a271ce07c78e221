import GRDB
import Synchronization

/// Writes that wait for the one connection that writes.
///
/// A write must be on the disk before it is answered, and getting it there costs the same for one as for many: so the
/// writes that came while the last ones were on their way go together, in one transaction, each in a savepoint of its
/// own. One that fails takes nothing of the others with it.
final class SQLiteWriteQueue: Sendable {
    /// One write, and whoever waits for it.
    struct Job: Sendable {
        let enqueuedAt: ContinuousClock.Instant
        /// Runs the body; what it returns is called once, when the fate of the transaction is known.
        let perform: @Sendable (SQLiteConnection) -> Performed
        /// Answers a write that is not going to be run.
        let refuse: @Sendable (DatabaseError) -> Void
    }

    /// A write whose body has run.
    struct Performed {
        let hasFailed: Bool
        /// Answers with the body's result, or with why the transaction was not committed.
        let answer: (DatabaseError?) -> Void
    }

    private struct State {
        var jobs: [Job] = []
        var isDraining = false
        var isClosed = false

        /// - Returns: Whether somebody has to start draining; nil if there is no room.
        mutating func add(_ job: Job, limit: Int) -> Bool? {
            guard !isClosed, jobs.count < limit else { return nil }
            jobs.append(job)
            defer { isDraining = true }
            return !isDraining
        }

        mutating func nextBatch() -> [Job] {
            let batch = Array(jobs.prefix(SQLiteWriteQueue.batchSize))
            jobs.removeFirst(batch.count)
            if batch.isEmpty { isDraining = false }
            return batch
        }

        mutating func close() -> (waiting: [Job], wasOpen: Bool) {
            defer {
                jobs = []
                isClosed = true
            }
            return (jobs, !isClosed)
        }
    }

    private static let batchSize = 64
    private let state = Mutex(State())
    private let maximumWaiting: Int
    private let maximumWait: Duration

    init(maximumWaiting: Int, maximumWait: Duration) {
        self.maximumWaiting = maximumWaiting
        self.maximumWait = maximumWait
    }

    /// Adds a write.
    ///
    /// - Returns: Whether the caller has to have ``drain(into:)`` called on the writing thread.
    func add(_ job: Job) -> Bool {
        let mustDrain = state.withLock { $0.add(job, limit: maximumWaiting) }
        if mustDrain == nil { job.refuse(.tooManyWaiting) }
        return mustDrain ?? false
    }

    /// Refuses what waits and what is still to come.
    ///
    /// - Returns: Whether this was the first call.
    @discardableResult
    func close() -> Bool {
        let (waiting, wasOpen) = state.withLock { $0.close() }
        for job in waiting { job.refuse(.closed) }
        return wasOpen
    }

    /// Writes batches until nothing waits; blocks, and runs on one thread at a time.
    func drain(into pool: DatabasePool) {
        while true {
            let batch = state.withLock { $0.nextBatch() }
            if batch.isEmpty { return }
            write(batch, into: pool)
        }
    }

    private func write(_ batch: [Job], into pool: DatabasePool) {
        let now = ContinuousClock.now
        var jobs: [Job] = []
        for job in batch {
            if job.enqueuedAt.duration(to: now) > maximumWait { job.refuse(.waitedTooLong) } else { jobs.append(job) }
        }
        guard !jobs.isEmpty else { return }
        var performed: [Performed] = []
        var failure: DatabaseError?
        do {
            try pool.writeWithoutTransaction { database in
                try Self.commit(jobs, on: database, performed: &performed)
            }
        } catch {
            failure = DatabaseError(sqlite: error)
        }
        for write in performed { write.answer(failure) }
        for job in jobs.dropFirst(performed.count) { job.refuse(failure ?? .rolledBack) }
    }

    private static func commit(
        _ jobs: [Job],
        on database: GRDB.Database,
        performed: inout [Performed]
    ) throws {
        let connection = SQLiteConnection(database: database)
        try database.inTransaction(.immediate) {
            if jobs.count == 1 {
                performed.append(jobs[0].perform(connection))
                return performed[0].hasFailed ? .rollback : .commit
            }
            for job in jobs {
                try database.cachedStatement(sql: "SAVEPOINT one_write").execute()
                let write = job.perform(connection)
                performed.append(write)
                // A full disk or a failed read makes SQLite roll everything back, the writes before this one too.
                guard database.isInsideTransaction else { throw DatabaseError.rolledBack }
                if write.hasFailed { try database.cachedStatement(sql: "ROLLBACK TO SAVEPOINT one_write").execute() }
                try database.cachedStatement(sql: "RELEASE SAVEPOINT one_write").execute()
            }
            return .commit
        }
    }
}

extension DatabaseError {
    static let tooManyWaiting = DatabaseError(.unavailable, "Too many requests wait for the database; try again.")
    static let closed = DatabaseError(.unavailable, "The database has been closed.")
    static let waitedTooLong = DatabaseError(.timeout, "The database was busy for too long; try again.")
    static let rolledBack = DatabaseError(.unavailable, "SQLite undid the transaction: check the disk and try again.")
}
