import Crypto
import HostCore
import NIOCore
import NIOPosix
import Synchronization

/// Writes one file from its beginning to its end on a thread pool, and hashes what it writes.
final class SpoolTape: Sendable {
    private struct State {
        var hasher = SHA256()
        var offset: Int64 = 0
    }

    let descriptor: SpoolDescriptor
    private let pool: NIOThreadPool
    private let state = Mutex(State())

    init(_ descriptor: SpoolDescriptor, pool: NIOThreadPool) {
        self.descriptor = descriptor
        self.pool = pool
    }

    /// Starts to write a block; the next one may be started when this one has ended.
    func start(_ block: consuming ByteBuffer) -> PendingWrite {
        let write = PendingWrite(block)
        pool.submit { state in
            write.run { block throws(SpoolError) in
                guard state == .active else {
                    throw SpoolError(.failed, "The upload was stopped because the host is shutting down.")
                }
                try self.append(block)
            }
        }
        return write
    }

    /// The SHA-256 of what has been written, in lower-case hexadecimal digits.
    var sha256: String {
        state.withLock { $0.hasher.finalize() }.hexadecimal
    }

    private func append(_ block: ByteBuffer) throws(SpoolError) {
        let outcome = block.withUnsafeReadableBytes { bytes in
            state.withLock { state in
                Result { () throws(SpoolError) in
                    try descriptor.write(bytes, at: state.offset)
                    state.hasher.update(bufferPointer: bytes)
                    state.offset += Int64(bytes.count)
                }
            }
        }
        try outcome.get()
    }
}

/// One block on its way to the disk.
final class PendingWrite: Sendable {
    private enum State {
        case queued(ByteBuffer)
        case running
        case ended(Result<ByteBuffer, SpoolError>)
    }

    private struct Waiting {
        var state: State
        var waiter: CheckedContinuation<Result<ByteBuffer, SpoolError>, Never>?
    }

    // The block lives here, not in the closure that writes it: it comes back without a second reference, and its
    // memory is used again.
    private let waiting: Mutex<Waiting>

    init(_ block: consuming ByteBuffer) {
        waiting = Mutex(Waiting(state: .queued(block)))
    }

    /// Does the write; called once, on the pool.
    func run(_ write: (ByteBuffer) throws(SpoolError) -> Void) {
        let queued = waiting.withLock { waiting -> ByteBuffer? in
            guard case .queued(let block) = waiting.state else { return nil }
            waiting.state = .running
            return block
        }
        guard var block = queued else { return }
        let result = Result { () throws(SpoolError) in try write(block) }.map { () -> ByteBuffer in
            block.clear()
            return block
        }
        let waiter = waiting.withLock { waiting in
            waiting.state = .ended(result)
            return waiting.waiter.take()
        }
        waiter?.resume(returning: result)
    }

    /// Waits for the end of the write, which the disk alone delays; called once.
    ///
    /// - Returns: The block's memory, emptied.
    func value() async throws(SpoolError) -> ByteBuffer {
        let result = await withCheckedContinuation { continuation in
            let ended = waiting.withLock { waiting -> Result<ByteBuffer, SpoolError>? in
                if case .ended(let result) = waiting.state { return result }
                waiting.waiter = continuation
                return nil
            }
            if let ended { continuation.resume(returning: ended) }
        }
        return try result.get()
    }
}
