import NIOCore
import Synchronization

/// Where the bytes of one upload are.
protocol SpoolStorage: Sendable {
    /// Whether its calls may wait for a disk.
    var blocks: Bool { get }

    /// Reads until the buffer is full or the content ends.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError) -> Int

    /// Writes buffers one after the other at an offset.
    func write(_ buffers: [ByteBuffer], at offset: Int64) throws(SpoolError)

    /// A descriptor of the same bytes, which is the caller's to close; nil if there is none.
    func duplicate() -> Int32?

    /// Makes a range quick to read.
    func prefetch(_ range: Range<Int64>) throws(SpoolError)
}

/// A small upload, which costs less in memory than the making and removing of a file.
final class SpoolMemory: SpoolStorage {
    /// The longest upload that is kept so: a thousand of them at once are 16 MB.
    static let longestContent: Int64 = 16 * 1024

    private let content = Mutex(ByteBuffer())
    private let capacity: Int64

    /// Makes room for so many bytes.
    init(capacity: Int64) { self.capacity = capacity }

    var blocks: Bool { false }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError) -> Int {
        guard offset >= 0 else { throw SpoolError(.failed, "A spooled file was read at a negative offset.") }
        return content.withLock { content in
            content.withUnsafeReadableBytes { bytes in
                let part = bytes.dropFirst(Int(min(offset, Int64(bytes.count)))).prefix(buffer.count)
                buffer.copyBytes(from: part)
                return part.count
            }
        }
    }

    func write(_ buffers: [ByteBuffer], at offset: Int64) throws(SpoolError) {
        let count = buffers.reduce(0) { $0 + $1.readableBytes }
        let isTaken = content.withLock { content in
            guard offset == content.readableBytes, offset + Int64(count) <= capacity else { return false }
            content.reserveCapacity(minimumWritableBytes: count)
            for buffer in buffers { content.writeImmutableBuffer(buffer) }
            return true
        }
        guard isTaken else { throw SpoolError(.failed, "An upload has more bytes than its request said.") }
    }

    func duplicate() -> Int32? { nil }
    func prefetch(_: Range<Int64>) throws(SpoolError) {}
}
