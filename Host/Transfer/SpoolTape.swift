import Crypto
import HostCore
import NIOCore
import NIOPosix
import Synchronization

/// Writes one file from its beginning to its end and hashes what it writes, on a thread pool if that may block.
final class SpoolTape: Sendable {
    private struct State {
        var hasher = SHA256()
        var offset: Int64 = 0
        var growth: SpoolGrowth?
    }

    let storage: any SpoolStorage
    private let pool: NIOThreadPool
    private let state = Mutex(State())

    init(_ storage: any SpoolStorage, pool: NIOThreadPool) {
        self.storage = storage
        self.pool = pool
    }

    /// Starts to write a block; the next one may be started when this one has ended.
    func start(_ block: SpoolBlock) -> PendingWrite {
        let write = PendingWrite(block)
        guard storage.blocks else {
            write.run(append)
            return write
        }
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

    /// The file for a reader that does not wait for its end; made once.
    func growingFile(toward sizeInBytes: Int64) -> GrowingFile {
        let growth = SpoolGrowth(toward: sizeInBytes)
        let written = state.withLock { state in
            state.growth = growth
            return state.offset
        }
        growth.advance(to: written)
        return GrowingFile(sizeInBytes: sizeInBytes, progress: growth, storage: storage)
    }

    /// Nothing more will be written.
    func abandon() { state.withLock { $0.growth }?.abandon() }

    private func append(_ block: SpoolBlock) throws(SpoolError) {
        try storage.write(block.pieces, at: state.withLock(\.offset))
        let (written, growth) = state.withLock { state in
            state.offset += Int64(block.sizeInBytes)
            // Only now: whoever asked for the file meanwhile saw the offset before.
            return (state.offset, state.growth)
        }
        // Whoever sends it on need not wait for the hash.
        growth?.advance(to: written)
        state.withLock { state in
            for piece in block.pieces {
                piece.withUnsafeReadableBytes { state.hasher.update(bufferPointer: $0) }
            }
        }
    }
}

/// One block on its way to the disk.
final class PendingWrite: Sendable {
    private enum State {
        case queued(SpoolBlock)
        case running
        case ended(Result<Void, SpoolError>)
    }

    private struct Waiting {
        var state: State
        var waiter: CheckedContinuation<Result<Void, SpoolError>, Never>?
    }

    // The block lives here, not in the closure that writes it, so that its memory goes as soon as it is written.
    private let waiting: Mutex<Waiting>

    init(_ block: SpoolBlock) {
        waiting = Mutex(Waiting(state: .queued(block)))
    }

    /// Does the write; called once.
    func run(_ write: (SpoolBlock) throws(SpoolError) -> Void) {
        let queued = waiting.withLock { waiting -> SpoolBlock? in
            guard case .queued(let block) = waiting.state else { return nil }
            waiting.state = .running
            return block
        }
        guard let block = queued else { return }
        let result = Result { () throws(SpoolError) in try write(block) }
        let waiter = waiting.withLock { waiting in
            waiting.state = .ended(result)
            return waiting.waiter.take()
        }
        waiter?.resume(returning: result)
    }

    /// Waits for the end of the write, which the disk alone delays; called once.
    func value() async throws(SpoolError) {
        let result = await withCheckedContinuation { continuation in
            let ended = waiting.withLock { waiting -> Result<Void, SpoolError>? in
                if case .ended(let result) = waiting.state { return result }
                waiting.waiter = continuation
                return nil
            }
            if let ended { continuation.resume(returning: ended) }
        }
        try result.get()
    }
}
