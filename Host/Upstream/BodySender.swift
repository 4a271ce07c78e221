import HostCore
import NIOCore
import NIOPosix

/// Sends a large body at the pace of the channel: 256 KiB at a time, and one piece of a file read ahead.
final class BodySender {
    static let chunkSizeInBytes: Int64 = 256 * 1_024

    private enum Next {
        case bytes(ByteBuffer)
        case file(any RandomAccessFile, Range<Int64>)
        case nothing
    }

    /// When the channel last took a chunk off our hands.
    private(set) var lastProgress = NIODeadline.now()

    private let pieces: [UpstreamBodyPiece]
    private let filePool: NIOThreadPool
    private var connection: UpstreamConnection?
    private var index = 0
    private var offset: Int64 = 0
    private var readAhead: ByteBuffer?
    private var isReading = false
    private var pendingWrites = 0
    private var unflushedBytes = 0
    private var isProceeding = false

    init(pieces: [UpstreamBodyPiece], connection: UpstreamConnection, filePool: NIOThreadPool) {
        self.pieces = pieces
        self.connection = connection
        self.filePool = filePool
    }

    /// The body if it is short and in memory, so that it can be written at once.
    static func smallBody(of request: UpstreamRequest) -> [UpstreamBodyPiece]? {
        guard request.bodySizeInBytes <= chunkSizeInBytes else { return nil }
        for piece in request.body { if case .file = piece { return nil } }
        return request.body
    }

    /// Sends nothing more.
    func stop() {
        connection = nil
        readAhead = nil
    }

    /// Writes as much as the channel takes.
    func proceed() {
        guard !isProceeding else { return }
        isProceeding = true
        defer { isProceeding = false }
        repeat {
            writeWhileWritable()
            flush()
            // The flush may have made the channel writable again before it returned.
        } while isWritable && (readAhead != nil || (!isReading && index < pieces.count))
        readNextAhead()
        finishIfDone()
    }

    private var isWritable: Bool { connection?.context?.channel.isWritable == true }

    private func writeWhileWritable() {
        while isWritable {
            if let chunk = readAhead {
                readAhead = nil
                write(chunk)
                continue
            }
            guard !isReading else { return }
            switch takeNext() {
            case .bytes(let chunk): write(chunk)
            case .file(let file, let range): read(file, range)
            case .nothing: return
            }
        }
    }

    private func readNextAhead() {
        guard connection != nil, readAhead == nil, !isReading else { return }
        switch takeNext() {
        case .bytes(let chunk): readAhead = chunk
        case .file(let file, let range): read(file, range)
        case .nothing: break
        }
    }

    /// Cuts off the next chunk.
    private func takeNext() -> Next {
        while index < pieces.count {
            let remaining = pieces[index].sizeInBytes - offset
            guard remaining > 0 else {
                index += 1
                offset = 0
                continue
            }
            let length = min(remaining, Self.chunkSizeInBytes)
            defer { offset += length }
            switch pieces[index] {
            case .bytes(let buffer):
                let start = buffer.readerIndex + Int(offset)
                guard let slice = buffer.getSlice(at: start, length: Int(length)) else {
                    preconditionFailure("a chunk lies inside its piece")
                }
                return .bytes(slice)
            case .file(let file, let range):
                let start = range.lowerBound + offset
                return .file(file, start..<start + length)
            }
        }
        return .nothing
    }

    // MARK: Writing

    private func write(_ chunk: ByteBuffer) {
        guard let connection, let wire = connection.wire else { return }
        let promise = connection.loop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] result in
            pendingWrites -= 1
            // When a write fails the channel closes, and that ends the exchange.
            guard case .success = result else { return }
            lastProgress = .now()
            finishIfDone()
        }
        pendingWrites += 1
        wire.write(chunk, promise: promise)
        // TLS counts towards writability only what was flushed.
        unflushedBytes += chunk.readableBytes
        if unflushedBytes >= Self.chunkSizeInBytes { flush() }
    }

    private func flush() {
        guard unflushedBytes > 0 else { return }
        unflushedBytes = 0
        connection?.wire?.flush()
    }

    private func finishIfDone() {
        guard index == pieces.count, pendingWrites == 0, readAhead == nil, !isReading, let connection else { return }
        stop()
        connection.bodyWasSent()
    }

    // MARK: Reading

    private func read(_ file: any RandomAccessFile, _ range: Range<Int64>) {
        guard let loop = connection?.loop else { return }
        isReading = true
        let chunk = filePool.runIfActive(eventLoop: loop) { try Self.chunk(of: file, range) }
        chunk.assumeIsolated().whenComplete { [self] result in
            isReading = false
            guard let connection else { return }
            switch result {
            case .success(let chunk):
                lastProgress = .now()
                readAhead = chunk
                proceed()
            case .failure(let error):
                let failure = UpstreamError(
                    .unreadableBody,
                    "a file that is part of the request could not be read",
                    cause: error
                )
                connection.fail(failure, evenIfHeld: true)
            }
        }
    }

    /// Reads a range of a file; blocks.
    private static func chunk(of file: any RandomAccessFile, _ range: Range<Int64>) throws -> ByteBuffer {
        var chunk = ByteBufferAllocator().buffer(capacity: range.count)
        while chunk.readableBytes < range.count {
            let missing = range.count - chunk.readableBytes
            let offset = range.lowerBound + Int64(chunk.readableBytes)
            let count = try chunk.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { space in
                try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: space[..<missing]))
            }
            guard count > 0 else {
                throw UpstreamError(.unreadableBody, "a file that is part of the request is shorter than it said")
            }
        }
        return chunk
    }
}
