import HostCore
import NIOCore

/// A part of a request's body; it can be sent again, so a request can be repeated.
package enum UpstreamBodyPiece: Sendable {
    /// Bytes in memory, written without being copied.
    case bytes(ByteBuffer)
    /// A range of a file in bytes, read while it is sent.
    case file(any RandomAccessFile, range: Range<Int64>)

    var sizeInBytes: Int64 {
        switch self {
        case .bytes(let buffer): Int64(buffer.readableBytes)
        case .file(_, let range): range.upperBound - range.lowerBound
        }
    }
}

/// A request that is known to be well formed.
package struct UpstreamRequest: Sendable {
    package typealias Header = UpstreamRequestHead.Header

    /// A longer total time-out is cut to this.
    package static let maximumTotalTimeout = TimeAmount.hours(7 * 24)

    package let head: UpstreamRequestHead
    package internal(set) var body: [UpstreamBodyPiece]
    /// Whether sending the request twice does no more than sending it once.
    package let isIdempotent: Bool
    /// Whether the client may send it again when a connection dies before any byte of an answer.
    package let allowsRetry: Bool
    /// From ``UpstreamClient/send(_:on:delegate:)`` to the end of the answer.
    package let totalTimeout: TimeAmount
    package let bodySizeInBytes: Int64

    package var url: UpstreamURL { head.url }

    /// Checks and makes a request of a new head; see ``UpstreamRequestHead/init(method:url:headers:)`` and
    /// ``init(_:body:isIdempotent:allowsRetry:totalTimeout:)``.
    package init(
        method: String,
        url: UpstreamURL,
        headers: [Header] = [],
        body: [UpstreamBodyPiece] = [],
        isIdempotent: Bool = false,
        allowsRetry: Bool = true,
        totalTimeout: TimeAmount = .minutes(10)
    ) throws(UpstreamError) {
        try self.init(
            UpstreamRequestHead(method: method, url: url, headers: headers),
            body: body,
            isIdempotent: isIdempotent,
            allowsRetry: allowsRetry,
            totalTimeout: totalTimeout
        )
    }

    /// Checks and makes a request.
    ///
    /// - Parameters:
    ///   - head: Method, URL and headers.
    ///   - body: In order; file ranges lie inside their files.
    ///   - isIdempotent: Whether sending it twice does no more than sending it once.
    ///   - allowsRetry: Whether a connection that dies before any byte of an answer may be made up for.
    ///   - totalTimeout: From sending to the end of the answer.
    /// - Throws: ``UpstreamError`` with `.invalidRequest`; the message holds no value.
    package init(
        _ head: UpstreamRequestHead,
        body: [UpstreamBodyPiece] = [],
        isIdempotent: Bool = false,
        allowsRetry: Bool = true,
        totalTimeout: TimeAmount = .minutes(10)
    ) throws(UpstreamError) {
        bodySizeInBytes = try Self.size(of: body)
        self.head = head
        self.body = body
        self.isIdempotent = isIdempotent
        self.allowsRetry = allowsRetry
        self.totalTimeout = min(max(totalTimeout, .zero), Self.maximumTotalTimeout)
    }

    private static func size(of body: [UpstreamBodyPiece]) throws(UpstreamError) -> Int64 {
        var total: Int64 = 0
        for piece in body {
            if case .file(let file, let range) = piece, range.lowerBound < 0 || range.upperBound > file.sizeInBytes {
                throw UpstreamError(.invalidRequest, "a body piece lies outside its file")
            }
            let (sum, overflow) = total.addingReportingOverflow(piece.sizeInBytes)
            guard !overflow else { throw UpstreamError(.invalidRequest, "the body is too large to count") }
            total = sum
        }
        return total
    }

    /// Writes the head, with the length of the body, as the endpoint wants it or a proxy that passes the request on.
    func writeHead(through proxy: UpstreamProxy?, into buffer: inout ByteBuffer) {
        buffer.writeBytes(proxy.map { head.bytes(through: $0) } ?? head.bytes)
        if bodySizeInBytes > 0 || head.alwaysHasLength {
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString(String(bodySizeInBytes))
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("\r\n")
    }
}

extension ByteBuffer {
    /// Copies the pieces that are in memory, making room for all of them at once.
    mutating func writeBytes(of pieces: [UpstreamBodyPiece]) {
        let size = pieces.reduce(0) { if case .bytes(let bytes) = $1 { $0 + bytes.readableBytes } else { $0 } }
        writeWithUnsafeMutableBytes(minimumWritableBytes: size) { space in
            var rest = space
            for case .bytes(let bytes) in pieces {
                bytes.withUnsafeReadableBytes { rest.copyMemory(from: $0) }
                rest = UnsafeMutableRawBufferPointer(rebasing: rest[bytes.readableBytes...])
            }
            return size
        }
    }
}
