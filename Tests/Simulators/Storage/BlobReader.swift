import Foundation
import NIOCore

/// Reads one file at given places.
final class BlobReader: Sendable {
    private let descriptor: Int32
    private let path: String

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open", path) }
    }

    deinit { close(descriptor) }

    /// Reads at least one and at most `count` bytes at `offset`.
    func read(at offset: Int, count: Int) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        let got = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            max(0, pread(descriptor, bytes.baseAddress, count, off_t(offset)))
        }
        guard got > 0 else { throw FileFailure("read", path) }
        return buffer
    }
}
