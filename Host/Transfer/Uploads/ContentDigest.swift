import Crypto
import HostCore
import NIOPosix

/// What a file's content is known by.
package struct ContentDigest: Hashable, Sendable {
    /// Lower-case hexadecimal digits.
    package let sha256: String
    /// Lower-case hexadecimal digits; nil if nobody wanted to know.
    package let md5: String?

    /// How much is read in one go: a long file must not keep a thread of the pool for itself.
    private static let stepInBytes: Int64 = 4 << 20
    private static let pieceInBytes = 256 * 1024

    private struct Hashers: Sendable {
        var sha256 = SHA256()
        // RFC 1321; clients send it to have the transfer checked, nothing relies on it.
        var md5: Insecure.MD5?
    }

    /// Reads a file once, from its beginning to its end.
    ///
    /// - Parameters:
    ///   - file: The file, whole.
    ///   - withMD5: Whether the MD5 is wanted as well.
    ///   - pool: Where it is read.
    /// - Throws: What reading throws; `CancellationError`.
    package init(of file: any RandomAccessFile, withMD5: Bool, on pool: NIOThreadPool) async throws {
        var hashers = Hashers(md5: withMD5 ? Insecure.MD5() : nil)
        var offset: Int64 = 0
        while offset < file.sizeInBytes {
            try Task.checkCancellation()
            let (begun, range) = (hashers, offset..<min(offset + Self.stepInBytes, file.sizeInBytes))
            hashers = try await pool.runIfActive { try Self.update(begun, with: range, of: file) }
            offset = range.upperBound
        }
        sha256 = hashers.sha256.finalize().hexadecimal
        md5 = hashers.md5?.finalize().hexadecimal
    }

    private static func update(
        _ begun: Hashers,
        with range: Range<Int64>,
        of file: any RandomAccessFile
    ) throws -> Hashers {
        var hashers = begun
        var offset = range.lowerBound
        try withUnsafeTemporaryAllocation(byteCount: pieceInBytes, alignment: 16) { buffer in
            while offset < range.upperBound {
                let wanted = Int(min(Int64(buffer.count), range.upperBound - offset))
                let count = try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
                guard count > 0 else { throw SpoolError(.failed, "A spooled file is shorter than it was.") }
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                hashers.sha256.update(bufferPointer: bytes)
                hashers.md5?.update(bufferPointer: bytes)
                offset += Int64(count)
            }
        }
        return hashers
    }
}
