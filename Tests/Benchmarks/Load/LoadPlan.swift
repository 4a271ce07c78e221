import NIOCore

/// What is asked, how often, and what is a right answer.
struct LoadPlan: Sendable {
    enum Pace: Sendable {
        /// A request is due every 1/rate seconds, whatever became of those before it.
        case open(requestsPerSecond: Double)
        /// A connection asks again when it has its answer.
        case closed
    }

    let address: SocketAddress
    let request: OutgoingRequest
    let connections: Int
    let pace: Pace
    let warmUp: TimeAmount
    let duration: TimeAmount
    /// Ends the run before its time.
    let requestLimit: Int
    /// What is still wanted of answers when the run is over.
    let drain: TimeAmount
    let expectedStatus: Int
    let expectedLength: Int?
    /// What a body has to end with.
    let expectedTail: [UInt8]
    /// Whether the time of a body's first byte is of interest.
    let measuresFirstByte: Bool
}

/// A request as it goes over the wire: its head and the begin of its body, a filler, and the end of its body.
struct OutgoingRequest: Sendable {
    let begin: ByteBuffer
    let fillerLength: Int
    let end: ByteBuffer

    var length: Int { begin.readableBytes + fillerLength + end.readableBytes }

    init(
        method: String,
        path: String,
        host: String,
        headers: [String],
        bodyBegin: [UInt8],
        fillerLength: Int,
        bodyEnd: [UInt8]
    ) {
        let length = bodyBegin.count + fillerLength + bodyEnd.count
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        for header in headers { head += "\(header)\r\n" }
        if length > 0 || method != "GET" { head += "Content-Length: \(length)\r\n" }
        head += "\r\n"
        begin = ByteBuffer(bytes: Array(head.utf8) + bodyBegin)
        self.fillerLength = fillerLength
        end = ByteBuffer(bytes: bodyEnd)
    }
}

/// Bytes that stand for a large file, without its being anywhere.
enum Filler {
    /// Not all one byte, and no line in it can be taken for a boundary of multipart.
    static let piece = ByteBuffer(bytes: (0..<(256 << 10)).map { UInt8(truncatingIfNeeded: 32 + $0 % 89) })

    /// - Returns: At most `length` bytes, that share the piece's memory.
    static func slice(_ length: Int) -> ByteBuffer {
        piece.getSlice(at: piece.readerIndex, length: min(length, piece.readableBytes)) ?? piece
    }
}
