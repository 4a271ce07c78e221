import Crypto
import Foundation
import NIOCore

/// Writes one blob block by block, so that memory does not grow with it.
///
/// Whole blocks only are written and digested until the end: what a broken connection leaves is a multiple of
/// 256 KiB, which is what Cloud Storage keeps of an interrupted chunk.
final class BlobWriter {
    static let blockBytes = 256 * 1024

    let id: String
    /// Bytes taken so far, with those that wait for their block to be full.
    var bytes: Int { storedBytes + pending.readableBytes }
    /// Bytes in whole blocks.
    private(set) var storedBytes = 0

    private let path: String
    private let descriptor: Int32
    private var pending = ByteBuffer()
    private var sha256 = SHA256()
    private var md5 = Insecure.MD5()
    private var crc32c = CRC32C()

    init(id: String, directory: URL) throws {
        self.id = id
        path = directory.appending(path: id).path
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("create", path) }
    }

    /// Continues the blob `id`, whose whole blocks are read again for their digests.
    init(resuming id: String, directory: URL) throws {
        self.id = id
        path = directory.appending(path: id).path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("open", path) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        let whole = size - size % Self.blockBytes
        guard ftruncate(descriptor, off_t(whole)) == 0 else { throw FileFailure("truncate", path) }
        let reader = try BlobReader(path: path)
        while storedBytes < whole {
            let block = try reader.read(at: storedBytes, count: Self.blockBytes)
            digest(block)
            storedBytes += block.readableBytes
        }
    }

    deinit { close(descriptor) }

    /// Takes a piece of any size.
    func append(_ piece: ByteBuffer) throws {
        var piece = piece
        while piece.readableBytes > 0 {
            let count = min(piece.readableBytes, Self.blockBytes - pending.readableBytes)
            guard var part = piece.readSlice(length: count) else { return }
            pending.writeBuffer(&part)
            if pending.readableBytes == Self.blockBytes { try flush() }
        }
    }

    /// Forgets the bytes that are not in a whole block.
    func dropPartialBlock() {
        pending.clear()
    }

    /// Writes the rest.
    ///
    /// - Returns: The blob; nothing may be appended any more.
    func finish() throws -> Blob {
        try flush()
        return Blob(
            id: id,
            bytes: storedBytes,
            sha256: sha256.finalize().hexadecimal,
            md5: Data(md5.finalize()).base64EncodedString(),
            crc32c: crc32c.base64
        )
    }

    /// Removes the file of a blob that will not be finished.
    func discard() {
        unlink(path)
    }

    private func flush() throws {
        guard pending.readableBytes > 0 else { return }
        try pending.withUnsafeReadableBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(storedBytes + offset))
                guard count > 0 else { throw FileFailure("write", path) }
                offset += count
            }
        }
        digest(pending)
        storedBytes += pending.readableBytes
        pending.clear()
    }

    private func digest(_ block: ByteBuffer) {
        block.withUnsafeReadableBytes { bytes in
            sha256.update(bufferPointer: bytes)
            md5.update(bufferPointer: bytes)
            crc32c.update(bytes)
        }
    }
}
