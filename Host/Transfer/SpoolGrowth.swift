import HostCore
import Synchronization

/// How far a spooled file has come, for those who send it on while it is written.
///
/// The last bytes are held back until the file is known to be whole and to be what it was taken for: before that nobody
/// who is sent it can take it for complete.
final class SpoolGrowth: FileGrowth {
    /// How much of the end is held back.
    static let heldBackBytes: Int64 = 64 * 1024

    private enum End {
        case whole
        case abandoned
    }

    private struct Waiter {
        let count: Int64
        let body: @Sendable () -> Void
    }

    private struct State {
        var writtenBytes: Int64 = 0
        var end: End?
        var waiters: [Waiter] = []
    }

    private let sizeInBytes: Int64
    private let state = Mutex(State())

    /// Makes the growth of a file that will probably have so many bytes.
    init(toward sizeInBytes: Int64) { self.sizeInBytes = sizeInBytes }

    var readableBytes: Int64 { state.withLock { readable($0) } }

    /// Whether the file is whole, and has been sent on as such.
    var isWhole: Bool { state.withLock { $0.end == .whole } }

    func whenReadable(beyond count: Int64, _ body: @escaping @Sendable () -> Void) {
        let isDecided = state.withLock { state in
            if state.end != nil || readable(state) > count { return true }
            state.waiters.append(Waiter(count: count, body: body))
            return false
        }
        if isDecided { body() }
    }

    /// At least so many bytes from the beginning are in the file now.
    func advance(to writtenBytes: Int64) { change { $0.writtenBytes = max($0.writtenBytes, writtenBytes) } }

    /// All of it is there and is what was expected, so the rest may be sent; does nothing to what was given up.
    func complete() { change { if $0.end == nil { $0.end = .whole } } }

    /// No more will come.
    func abandon() { change { if $0.end == nil { $0.end = .abandoned } } }

    private func change(_ body: (inout State) -> Void) {
        let due = state.withLock { state -> [Waiter] in
            body(&state)
            let readable = readable(state)
            let due = state.waiters.filter { state.end != nil || readable > $0.count }
            guard !due.isEmpty else { return [] }
            state.waiters.removeAll { state.end != nil || readable > $0.count }
            return due
        }
        for waiter in due { waiter.body() }
    }

    private func readable(_ state: State) -> Int64 {
        state.end == .whole ? sizeInBytes : max(0, min(state.writtenBytes, sizeInBytes - Self.heldBackBytes))
    }
}

/// An upload that is read while it is written.
package final class GrowingFile: RandomAccessFile {
    /// What it will have if it is what its request's length says.
    package let sizeInBytes: Int64
    package var growth: (any FileGrowth)? { progress }
    let progress: SpoolGrowth
    private let storage: any SpoolStorage

    init(sizeInBytes: Int64, progress: SpoolGrowth, storage: any SpoolStorage) {
        self.sizeInBytes = sizeInBytes
        self.progress = progress
        self.storage = storage
    }

    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try storage.read(at: offset, into: buffer)
    }

    package func duplicateDescriptor() -> Int32? { storage.duplicate() }
    package func prefetch(_ range: Range<Int64>) throws { try storage.prefetch(range) }
}
