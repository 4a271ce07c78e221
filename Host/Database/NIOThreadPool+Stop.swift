import NIOPosix

extension NIOThreadPool {
    /// Lets what runs finish, cancels what waits, and ends the threads.
    func stop() async {
        await withCheckedContinuation { continuation in
            shutdownGracefully { _ in continuation.resume() }
        }
    }
}
