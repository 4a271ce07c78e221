import HostCore
import NIOCore
import NIOPosix

/// Sends a large body at the pace of the channel: 256 KiB at a time, and one piece of a file read ahead.
///
/// Without TLS the system sends files that have a descriptor, 1 MiB at a time, and their bytes never come here. Of a
/// file that still grows it sends what there is and waits for more.
final class BodySender {
    static let chunkSizeInBytes: Int64 = 256 * 1_024
    static let regionSizeInBytes: Int64 = 1_024 * 1_024

    private enum Next {
        case bytes(ByteBuffer)
        case file(any RandomAccessFile, Range<Int64>)
        /// Nothing can be read before the file has more than so many bytes.
        case growth(any FileGrowth, beyond: Int64)
        case nothing
    }

    private enum Chunk {
        case bytes(ByteBuffer)
        case region(FileRegion)

        var sizeInBytes: Int {
            switch self {
            case .bytes(let bytes): bytes.readableBytes
            case .region(let region): region.readableBytes
            }
        }
    }

    /// When the channel last took a chunk off our hands.
    private(set) var lastProgress = NIODeadline.now()
    /// Whether it waits for a file to grow, and not for the peer.
    private(set) var isStarved = false

    private let pieces: [UpstreamBodyPiece]
    private let filePool: NIOThreadPool
    private var connection: UpstreamConnection?
    private var index = 0
    private var offset: Int64 = 0
    private var readAhead: Chunk?
    private var handles: [ObjectIdentifier: NIOFileHandle] = [:]
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
        closeHandlesIfUnused()
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
            case .bytes(let chunk): write(.bytes(chunk))
            case .file(let file, let range): read(file, range)
            case .growth(let growth, let count): wait(for: growth, beyond: count)
            case .nothing: return
            }
        }
    }

    private func readNextAhead() {
        guard connection != nil, readAhead == nil, !isReading else { return }
        switch takeNext() {
        case .bytes(let chunk): readAhead = .bytes(chunk)
        case .file(let file, let range): read(file, range)
        case .growth(let growth, let count): wait(for: growth, beyond: count)
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
            switch pieces[index] {
            case .bytes(let buffer):
                let length = min(remaining, Self.chunkSizeInBytes)
                defer { offset += length }
                let start = buffer.readerIndex + Int(offset)
                guard let slice = buffer.getSlice(at: start, length: Int(length)) else {
                    preconditionFailure("a chunk lies inside its piece")
                }
                return .bytes(slice)
            case .file(let file, let range):
                let start = range.lowerBound + offset
                let available = (file.growth?.readableBytes ?? .max) - start
                if available <= 0, let growth = file.growth { return .growth(growth, beyond: start) }
                let limit = handle(of: file) == nil ? Self.chunkSizeInBytes : Self.regionSizeInBytes
                let length = min(remaining, limit, available)
                offset += length
                return .file(file, start..<start + length)
            }
        }
        return .nothing
    }

    // MARK: Writing

    private func write(_ chunk: Chunk) {
        guard let connection, let wire = connection.wire else { return }
        let promise = connection.loop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] result in
            pendingWrites -= 1
            closeHandlesIfUnused()
            // When a write fails the channel closes, and that ends the exchange.
            guard case .success = result else { return }
            lastProgress = .now()
            finishIfDone()
        }
        pendingWrites += 1
        switch chunk {
        case .bytes(let bytes): wire.write(bytes, promise: promise)
        case .region(let region): wire.write(region, promise: promise)
        }
        // TLS counts towards writability only what was flushed.
        unflushedBytes += chunk.sizeInBytes
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
        let handle = handle(of: file)
        let chunk = filePool.runIfActive(eventLoop: loop) { () throws -> ByteBuffer in
            guard handle != nil else { return try Self.chunk(of: file, range) }
            try file.prefetch(range)
            return ByteBuffer()
        }
        chunk.assumeIsolated().whenComplete { [self] result in
            isReading = false
            guard let connection else { return }
            switch result {
            case .success(let chunk):
                lastProgress = .now()
                readAhead =
                    handle.map { handle in
                        let (start, end) = (Int(range.lowerBound), Int(range.upperBound))
                        return .region(FileRegion(fileHandle: handle, readerIndex: start, endIndex: end))
                    } ?? .bytes(chunk)
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

    /// Waits, no longer than a peer may take for a chunk; see ``UpstreamConnection/dueTime()``.
    private func wait(for growth: any FileGrowth, beyond count: Int64) {
        guard let loop = connection?.loop else { return }
        isReading = true
        isStarved = true
        lastProgress = .now()
        let sender = NIOLoopBound(self, eventLoop: loop)
        growth.whenReadable(beyond: count) {
            loop.execute { sender.value.goOn(growth.readableBytes > count) }
        }
    }

    private func goOn(_ hasGrown: Bool) {
        isReading = false
        isStarved = false
        guard let connection else { return }
        guard hasGrown else {
            let failure = UpstreamError(.unreadableBody, "a file that is part of the request was given up")
            return connection.fail(failure, evenIfHeld: true)
        }
        lastProgress = .now()
        proceed()
    }

    // MARK: Descriptors

    /// What the system sends the file from; nil if its bytes have to be read.
    private func handle(of file: any RandomAccessFile) -> NIOFileHandle? {
        guard let connection, connection.endpoint.scheme == .http else { return nil }
        if let handle = handles[ObjectIdentifier(file)] { return handle }
        guard let descriptor = file.duplicateDescriptor() else { return nil }
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
        handles[ObjectIdentifier(file)] = handle
        return handle
    }

    /// A descriptor that was closed while the channel still sends from it could be another file's by then.
    private func closeHandlesIfUnused() {
        guard connection == nil, pendingWrites == 0, !handles.isEmpty else { return }
        let unused = Array(handles.values)
        handles = [:]
        // The last one of a removed file frees its blocks, which takes a while.
        filePool.submit { _ in
            for handle in unused {
                do { try handle.close() } catch { assertionFailure("a descriptor was closed twice: \(error)") }
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
