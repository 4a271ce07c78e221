import Synchronization

/// The jobs of one operation's task, until somebody drains them.
///
/// It has a lock although an operation is entered by one thread at a time: an adapter that awaits something foreign
/// is resumed from elsewhere, and must then neither race nor be lost.
final class JobQueue: Sendable {
    private struct Jobs {
        var first: UnownedJob?
        var others: [UnownedJob] = []
        var isClosed = false
    }

    private let jobs = Mutex(Jobs())

    /// Adds a job; false if the queue is closed and the caller has to run it.
    func add(_ job: UnownedJob) -> Bool {
        jobs.withLock { jobs in
            guard !jobs.isClosed else { return false }
            if jobs.first == nil { jobs.first = job } else { jobs.others.append(job) }
            return true
        }
    }

    /// Takes the next job; the empty queue stays open unless `closing`.
    func next(closing: Bool) -> UnownedJob? {
        jobs.withLock { jobs in
            guard let job = jobs.first else {
                if closing { jobs.isClosed = true }
                return nil
            }
            jobs.first = jobs.others.isEmpty ? nil : jobs.others.removeFirst()
            return job
        }
    }
}
