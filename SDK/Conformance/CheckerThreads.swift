#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Threads on which a plugin is called, waiting for work for as long as the process lives.
final class CheckerThreads {
    /// How many operations run at once, at most.
    private static let usual = 4

    private let workers: [Worker]

    /// Starts threads; nil where none can be made, or one could not prepare.
    init?(prepare: @escaping () -> Bool) {
        // All of them before the first one prepares: what it gives up may be to make threads.
        workers = (0..<Self.usual).compactMap { _ in Worker() }
        guard count == Self.usual else { return nil }
        for index in 0..<count {
            var isGood = false
            run(on: index) { isGood = prepare() }
            guard isGood else { return nil }
        }
    }

    var count: Int { workers.count }

    /// Runs a body on one of the threads and waits for it.
    func run(on index: Int, _ body: () -> Void) {
        withoutActuallyEscaping(body) { body in
            let worker = workers[index % workers.count]
            worker.begin(body)
            worker.wait()
        }
    }

    /// Runs a body on all of the threads at once, and returns what each of them made.
    func runAtOnce<R>(_ body: () -> R) -> [R] {
        let results = UnsafeMutablePointer<R?>.allocate(capacity: count)
        results.initialize(repeating: nil, count: count)
        defer {
            results.deinitialize(count: count)
            results.deallocate()
        }
        withoutActuallyEscaping(body) { body in
            for (index, worker) in workers.enumerated() { worker.begin { results[index] = body() } }
            for worker in workers { worker.wait() }
        }
        return (0..<count).compactMap { results[$0] }
    }

    /// One thread, with the body that it is to run.
    private final class Worker {
        private let begun = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        private let finished = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        private var body: () -> Void = {}

        init?() {
            sem_init(begun, 0, 0)
            sem_init(finished, 0, 0)
            guard start() else { return nil }
        }

        func begin(_ body: @escaping () -> Void) {
            self.body = body
            sem_post(begun)
        }

        /// Waits for the body; it is the plugin's code, whose time the host bounds by ending the process.
        func wait() {
            while sem_wait(finished) != 0 {}
            body = {}
        }

        private func start() -> Bool {
            #if canImport(Glibc)
            var thread = pthread_t()
            let status = pthread_create(
                &thread,
                nil,
                { argument in
                    // The thread lives as long as the process, and so does what it is given.
                    guard let argument else { return nil }
                    Unmanaged<Worker>.fromOpaque(argument).takeUnretainedValue().serve()
                },
                Unmanaged.passRetained(self).toOpaque()
            )
            return status == 0
            #else
            return false
            #endif
        }

        private func serve() -> Never {
            while true {
                guard sem_wait(begun) == 0 else { continue }
                body()
                sem_post(finished)
            }
        }
    }
}
