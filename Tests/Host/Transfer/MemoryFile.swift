import HostCore
import Synchronization

/// A whole file in memory.
final class MemoryFile: RandomAccessFile {
    let bytes: [UInt8]
    private let longest = Mutex(0)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var sizeInBytes: Int64 { Int64(bytes.count) }
    /// How much somebody has read at once.
    var longestRead: Int { longest.withLock { $0 } }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let start = min(Int(offset), bytes.count)
        let part = bytes[start..<min(start + buffer.count, bytes.count)]
        buffer.copyBytes(from: part)
        longest.withLock { $0 = max($0, part.count) }
        return part.count
    }

    func input() throws -> BatchInput {
        var reader = BatchInputReader()
        try bytes.withUnsafeBytes { try reader.read($0) }
        return try reader.finish()
    }
}
