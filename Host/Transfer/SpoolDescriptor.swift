import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An open file that is closed when the last reference goes.
final class SpoolDescriptor: SpoolStorage {
    private let descriptor: Int32
    private let pool: NIOThreadPool

    /// Takes over an open descriptor.
    init(_ descriptor: Int32, pool: NIOThreadPool) {
        self.descriptor = descriptor
        self.pool = pool
    }

    var blocks: Bool { true }

    // Closing the last descriptor of a removed file frees its blocks, which takes a while for a large one: the last
    // reference may go on an event loop. A pool that has stopped runs this at once.
    deinit { pool.submit { [descriptor] _ in _ = close(descriptor) } }

    /// Reads until the buffer is full or the file ends; blocks.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError) -> Int {
        guard offset >= 0 else { throw SpoolError(.failed, "A spooled file was read at a negative offset.") }
        var count = 0
        while count < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let result = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(count))
            if result < 0, errno == EINTR { continue }
            guard result >= 0 else { throw Self.error("read", errno) }
            guard result > 0 else { break }
            count += result
        }
        return count
    }

    /// Writes buffers one after the other at an offset; blocks.
    func write(_ buffers: [ByteBuffer], at offset: Int64) throws(SpoolError) {
        var position = off_t(offset)
        var rest = buffers[...]
        var skipped = 0
        while !rest.isEmpty {
            let written = Self.write(rest.prefix(Self.maximumVectors), skipping: skipped, to: descriptor, at: position)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw Self.error("written", written < 0 ? errno : ENOSPC) }
            position += off_t(written)
            skipped += written
            while let first = rest.first, skipped >= first.readableBytes {
                skipped -= first.readableBytes
                rest.removeFirst()
            }
        }
    }

    /// As many buffers one call takes: the least that POSIX systems allow is 16, and these allow 1024.
    private static let maximumVectors = 64

    private static func write(
        _ buffers: ArraySlice<ByteBuffer>,
        skipping skipped: Int,
        to descriptor: Int32,
        at position: off_t
    ) -> Int {
        var vectors: [iovec] = []
        // Each pointer is good inside the closure that lent it, so the closures stand inside each other.
        func write(from index: Int) -> Int {
            guard index < buffers.endIndex else {
                return pwritev(descriptor, vectors, Int32(vectors.count), position)
            }
            return buffers[index].withUnsafeReadableBytes { bytes in
                let start = index == buffers.startIndex ? skipped : 0
                let base = bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + start) }
                vectors.append(iovec(iov_base: base, iov_len: bytes.count - start))
                return write(from: index + 1)
            }
        }
        return write(from: buffers.startIndex)
    }

    /// A second descriptor of the same file; nil if the process has no more of them.
    func duplicate() -> Int32? {
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return duplicate >= 0 ? duplicate : nil
    }

    /// Waits until the disk has what was written; blocks.
    func sync() throws(SpoolError) {
        guard fsync(descriptor) == 0 else { throw Self.error("written", errno) }
    }

    /// Brings a range into the system's cache; blocks.
    func prefetch(_ range: Range<Int64>) throws(SpoolError) {
        guard range.lowerBound >= 0, !range.isEmpty else { return }
        #if canImport(Glibc)
        // What is there already costs nothing; what is not is read before the last byte below.
        _ = posix_fadvise(descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_WILLNEED)
        #endif
        var last: UInt8 = 0
        let count = try withUnsafeMutableBytes(of: &last) { byte throws(SpoolError) in
            try read(at: range.upperBound - 1, into: byte)
        }
        guard count == 1 else { throw SpoolError(.failed, "A spooled file is shorter than it was.") }
    }

    /// The error for what the operating system refused.
    static func error(_ verb: String, _ code: Int32) -> SpoolError {
        if code == ENOSPC || code == EDQUOT {
            return SpoolError(.diskFull, "The spool's file system has no space left. Free some, or move the spool.")
        }
        return SpoolError(.failed, "A spooled file could not be \(verb): \(String(cString: strerror(code))).")
    }
}
