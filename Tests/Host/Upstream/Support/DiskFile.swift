import Foundation
import HostCore
import Synchronization

/// A file on disk with the bytes of a ``PatternFile``, which the system can send, and which may come bit by bit.
final class DiskFile: RandomAccessFile {
    /// How far it may be read, and who waits for more.
    final class Progress: FileGrowth {
        private struct State {
            var readable: Int64 = 0
            var isGivenUp = false
            var waiters: [(count: Int64, body: @Sendable () -> Void)] = []
        }

        private let state = Mutex(State())
        /// How often somebody came to wait.
        let waits = SharedCounter()

        var readableBytes: Int64 { state.withLock { $0.readable } }

        func whenReadable(beyond count: Int64, _ body: @escaping @Sendable () -> Void) {
            let isDecided = state.withLock { state in
                if state.readable > count || state.isGivenUp { return true }
                state.waiters.append((count, body))
                return false
            }
            if isDecided { body() }
            waits.add(1)
        }

        func advance(to readable: Int64, givingUp: Bool = false) {
            let due = state.withLock { state in
                state.readable = readable
                state.isGivenUp = givingUp
                let due = state.waiters.filter { readable > $0.count || givingUp }
                state.waiters.removeAll { readable > $0.count || givingUp }
                return due
            }
            for waiter in due { waiter.body() }
        }
    }

    let sizeInBytes: Int64
    let progress: Progress?
    var growth: (any FileGrowth)? { progress }
    /// How many bytes came through the process's memory.
    let bytesRead = SharedCounter()
    private let descriptor: Int32

    /// Makes a file, `length` being what is there in truth.
    init(sizeInBytes: Int64, length: Int64? = nil, growing: Bool = false) throws {
        self.sizeInBytes = sizeInBytes
        progress = growing ? Progress() : nil
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("disk-file-\(UUID().uuidString)").path
        descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileNoSuchFile) }
        unlink(path)
        let pattern = PatternFile(sizeInBytes: length ?? sizeInBytes)
        var offset: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 200_000, alignment: 1)
        defer { buffer.deallocate() }
        while offset < pattern.sizeInBytes {
            let count = try pattern.read(at: offset, into: buffer)
            guard pwrite(descriptor, buffer.baseAddress, count, off_t(offset)) == count else {
                throw CocoaError(.fileWriteUnknown)
            }
            offset += Int64(count)
        }
    }

    deinit { close(descriptor) }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let limit = min(buffer.count, Int((growth?.readableBytes ?? sizeInBytes) - offset))
        let count = pread(descriptor, buffer.baseAddress, limit, off_t(offset))
        guard count >= 0 else { throw CocoaError(.fileReadUnknown) }
        bytesRead.add(count)
        return count
    }

    func duplicateDescriptor() -> Int32? { dup(descriptor) }

    func prefetch(_ range: Range<Int64>) throws {
        var last: UInt8 = 0
        guard pread(descriptor, &last, 1, off_t(range.upperBound - 1)) == 1 else { throw CocoaError(.fileReadUnknown) }
    }
}
