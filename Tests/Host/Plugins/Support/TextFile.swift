import HostCore
import NIOCore
import NIOPosix

/// A file in memory.
final class TextFile: RandomAccessFile {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    var sizeInBytes: Int64 { Int64(bytes.count) }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let piece = bytes.dropFirst(Int(offset)).prefix(buffer.count)
        buffer.copyBytes(from: piece)
        return piece.count
    }
}

/// An event loop and a thread pool for tests that make their bench themselves.
struct MultiLoop {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let pool = NIOThreadPool(numberOfThreads: 1)

    var loop: any EventLoop { group.next() }

    init() { pool.start() }

    func shutDown() async throws {
        try await group.shutdownGracefully()
        try await pool.shutdownGracefully()
    }
}
