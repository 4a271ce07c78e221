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
    package typealias Header = (name: String, value: String)

    /// A longer total time-out is cut to this.
    package static let maximumTotalTimeout = TimeAmount.hours(7 * 24)

    package let method: String
    package let url: UpstreamURL
    /// All but those the client writes itself: see ``init(method:url:headers:body:isIdempotent:allowsRetry:totalTimeout:)``.
    package let headers: [Header]
    package internal(set) var body: [UpstreamBodyPiece]
    /// Whether sending the request twice does no more than sending it once.
    package let isIdempotent: Bool
    /// Whether the client may send it again when a connection dies before any byte of an answer.
    package let allowsRetry: Bool
    /// From ``UpstreamClient/send(_:on:delegate:)`` to the end of the answer.
    package let totalTimeout: TimeAmount
    package let bodySizeInBytes: Int64

    /// Checks and makes a request.
    ///
    /// - Parameters:
    ///   - method: A token; `CONNECT` is refused.
    ///   - url: Where to send it.
    ///   - headers: Names are tokens, values hold no control character but the tab. Framing is the client's own job:
    ///     `Content-Length`, `Host`, `Transfer-Encoding`, `Connection` and the like are refused.
    ///   - body: In order; file ranges lie inside their files.
    ///   - isIdempotent: Whether sending it twice does no more than sending it once.
    ///   - allowsRetry: Whether a connection that dies before any byte of an answer may be made up for.
    ///   - totalTimeout: From sending to the end of the answer.
    /// - Throws: ``UpstreamError`` with `.invalidRequest`; the message holds no value.
    package init(
        method: String,
        url: UpstreamURL,
        headers: [Header] = [],
        body: [UpstreamBodyPiece] = [],
        isIdempotent: Bool = false,
        allowsRetry: Bool = true,
        totalTimeout: TimeAmount = .minutes(10)
    ) throws(UpstreamError) {
        guard HeaderRules.isToken(method), method != "CONNECT" else {
            throw UpstreamError(.invalidRequest, "the method must be a token other than CONNECT")
        }
        for header in headers { try HeaderRules.check(header) }
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.isIdempotent = isIdempotent
        self.allowsRetry = allowsRetry
        self.totalTimeout = min(max(totalTimeout, .zero), Self.maximumTotalTimeout)
        bodySizeInBytes = try Self.size(of: body)
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

    /// The value of `Content-Length`, or nil to leave it out.
    var contentLength: Int64? {
        if bodySizeInBytes > 0 { return bodySizeInBytes }
        // RFC 9110 §8.6: a method that defines a meaning for content says so even when there is none.
        return method == "POST" || method == "PUT" || method == "PATCH" ? 0 : nil
    }
}
