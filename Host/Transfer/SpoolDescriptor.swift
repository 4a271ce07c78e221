import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An open file that is closed when the last reference goes.
final class SpoolDescriptor: Sendable {
    private let descriptor: Int32
    private let pool: NIOThreadPool

    /// Takes over an open descriptor.
    init(_ descriptor: Int32, pool: NIOThreadPool) {
        self.descriptor = descriptor
        self.pool = pool
    }

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

    /// Writes all bytes at an offset; blocks.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError) {
        var rest = bytes
        var position = off_t(offset)
        while !rest.isEmpty {
            let result = pwrite(descriptor, rest.baseAddress, rest.count, position)
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { throw Self.error("written", result < 0 ? errno : ENOSPC) }
            rest = UnsafeRawBufferPointer(rebasing: rest[result...])
            position += off_t(result)
        }
    }

    /// The error for what the operating system refused.
    static func error(_ verb: String, _ code: Int32) -> SpoolError {
        if code == ENOSPC || code == EDQUOT {
            return SpoolError(.diskFull, "The spool's file system has no space left. Free some, or move the spool.")
        }
        return SpoolError(.failed, "A spooled file could not be \(verb): \(String(cString: strerror(code))).")
    }
}
