import Dispatch
import Glibc
import Synchronization

/// Waits for the end of one process, so that there is no zombie, keeps the end of what it prints, and never signals another
/// process that got its number.
final class WorkerReaper: Sendable {
    private static let stackBytes = 256 * 1024
    private static let maximumPrintedBytes = 4096

    let process: pid_t
    private let output: Int32
    private let state = Mutex<WorkerEnding?>(nil)
    private let ended = DispatchGroup()

    /// Watches a child of this process on a thread of its own.
    ///
    /// - Parameters:
    ///   - process: The child; nobody else may wait for it.
    ///   - output: Reading end of what it prints, which is read all the time; closed when the child has ended.
    /// - Throws: ``WorkerProcessError`` with `.cannotStart`; then the child is dead and reaped.
    init(_ process: pid_t, output: Int32) throws(WorkerProcessError) {
        self.process = process
        self.output = output
        ended.enter()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        var thread = pthread_t()
        let kept = Unmanaged.passRetained(self)
        let failure = pthread_create(
            &thread,
            &attributes,
            { context in
                // The reference that was retained for this thread.
                if let context { Unmanaged<WorkerReaper>.fromOpaque(context).takeRetainedValue().wait() }
                return nil
            },
            kept.toOpaque()
        )
        guard failure == 0 else {
            kept.release()
            kill()
            wait()
            throw WorkerProcessError(.cannotStart, "no thread can be started: \(String(cString: strerror(failure)))")
        }
    }

    /// Ends the process if it has not ended.
    func kill() {
        state.withLock { ending in
            // While the lock is held and there is no ending the number is this process's, living or not yet reaped.
            if ending == nil { _ = Glibc.kill(process, SIGKILL) }
        }
    }

    /// How the process ended; nil while it lives.
    var ending: WorkerEnding? { state.withLock { $0 } }

    /// Waits for the process's end; not on an event loop.
    func ending(within patience: DispatchTimeInterval) -> WorkerEnding? {
        _ = ended.wait(timeout: .now() + patience)
        return ending
    }

    private func wait() {
        // Its end is the end of the process, in all but the case that the plugin has closed it.
        let printed = Self.readToEnd(output)
        close(output)
        var information = siginfo_t()
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        state.withLock { ending in
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            let way: WorkerEnding.Way = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
            ending = WorkerEnding(way, printed: printed)
        }
        ended.leave()
    }

    /// The last bytes of a pipe until nobody writes to it any more.
    private static func readToEnd(_ descriptor: Int32) -> String {
        var tail: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            tail.append(contentsOf: buffer[..<count])
            if tail.count > maximumPrintedBytes { tail.removeFirst(tail.count - maximumPrintedBytes) }
        }
        let scalars = String(decoding: tail, as: UTF8.self).unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: " " as Character
            default: Character(scalar)
            }
        }
        return String(scalars)
    }
}
