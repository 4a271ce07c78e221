import NIOPosix

/// Threads of the workers' own; like the shared pool they are never stopped.
enum WorkerThreads {
    /// Starts workers and asks them for targets: both wait for another process.
    ///
    /// A worker is told by the system when the thread that started it ends, so these live as long as the host.
    static let starting: NIOThreadPool = make(4)
    /// Signs; a signature with a large key takes longer than an event loop can spare.
    static let signing: NIOThreadPool = make(2)

    private static func make(_ count: Int) -> NIOThreadPool {
        let pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
        return pool
    }
}
