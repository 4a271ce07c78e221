import NIOCore

/// What a peer sent that is not HTTP/1.1, or more of it than a benchmark has use for.
struct WireError: Error, CustomStringConvertible {
    let description: String
}

/// The first line and the framing of a message.
struct MessageHead {
    /// Everything up to the empty line, for what only some messages need.
    let bytes: ByteBuffer
    /// 0 for a request.
    let status: Int
    let framing: Framing
    let closes: Bool

    enum Framing: Equatable {
        case length(Int)
        case chunked
        /// A response without a length, up to the end of the connection.
        case untilClose
    }
}

/// A piece of a message, in the order of the wire.
enum MessagePart {
    case head(MessageHead)
    case body(ByteBuffer)
    case end
}

/// Takes HTTP/1.1 messages apart, as little as it takes to know where they end.
///
/// It has no opinion on headers that it does not need, so that a request costs it less than it costs anybody it measures.
struct MessageParser {
    enum Kind { case request, response }

    private enum State {
        case head
        case fixed(Int)
        case untilClose
        case chunkSize
        case chunk(Int)
        case trailer
    }

    private static let longestHead = 64 << 10

    private let kind: Kind
    private var state = State.head
    private var pending = ByteBuffer()

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// Whether a body is being read that ends where the connection does.
    var endsWithConnection: Bool {
        if case .untilClose = state { true } else { false }
    }

    /// Takes the next piece of the wire.
    mutating func append(_ piece: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = piece
        } else {
            pending.writeImmutableBuffer(piece)
        }
    }

    /// Reads the next part of what was appended.
    ///
    /// - Returns: nil if not all of it is there yet.
    mutating func next() throws(WireError) -> MessagePart? {
        if let part = try read() { return part }
        // The memory that the last piece came in goes, whether or not the next one comes soon.
        if pending.readableBytes == 0 { pending = ByteBuffer() }
        return nil
    }

    private mutating func read() throws(WireError) -> MessagePart? {
        while true {
            switch state {
            case .head:
                return try readHead()
            case .fixed(0):
                state = .head
                return .end
            case .fixed(let remaining):
                guard let piece = pending.readSlice(length: min(remaining, pending.readableBytes)),
                    piece.readableBytes > 0
                else { return nil }
                state = .fixed(remaining - piece.readableBytes)
                return .body(piece)
            case .untilClose:
                guard let piece = pending.readSlice(length: pending.readableBytes), piece.readableBytes > 0 else {
                    return nil
                }
                return .body(piece)
            case .chunkSize:
                guard let line = try readLine() else { return nil }
                let size = try Self.hexadecimal(line)
                state = size == 0 ? .trailer : .chunk(size)
            case .chunk(0):
                guard try readLine() != nil else { return nil }
                state = .chunkSize
            case .chunk(let remaining):
                guard let piece = pending.readSlice(length: min(remaining, pending.readableBytes)),
                    piece.readableBytes > 0
                else { return nil }
                state = .chunk(remaining - piece.readableBytes)
                return .body(piece)
            case .trailer:
                guard let line = try readLine() else { return nil }
                guard line.readableBytes == 0 else { continue }
                state = .head
                return .end
            }
        }
    }

    private mutating func readHead() throws(WireError) -> MessagePart? {
        let length = pending.withUnsafeReadableBytes(Self.headLength)
        guard let length, let bytes = pending.readSlice(length: length) else {
            guard pending.readableBytes < Self.longestHead else {
                throw WireError(description: "A head is longer than \(Self.longestHead) bytes.")
            }
            return nil
        }
        let fields = bytes.withUnsafeReadableBytes { HeadFields($0, kind: kind) }
        let framing: MessageHead.Framing =
            if fields.isChunked {
                .chunked
            } else if let length = fields.contentLength {
                .length(length)
            } else if kind == .response, fields.status != 204, fields.status != 304 {
                .untilClose
            } else {
                .length(0)
            }
        switch framing {
        case .length(let length): state = .fixed(length)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
        return .head(
            MessageHead(
                bytes: bytes,
                status: fields.status,
                framing: framing,
                closes: fields.closes || framing == .untilClose
            )
        )
    }

    private static func headLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 4 else { return nil }
        var index = 3
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\n"):
                if bytes[index - 2] == UInt8(ascii: "\n") { return index + 1 }
                index += 2
            case UInt8(ascii: "\r"):
                index += 1
            default:
                // Neither of the two ends a head here, so the next end is three bytes away at least.
                index += 3
            }
        }
        return nil
    }

    private mutating func readLine() throws(WireError) -> ByteBuffer? {
        guard let end = pending.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            guard pending.readableBytes < 1024 else { throw WireError(description: "A chunk's line has no end.") }
            return nil
        }
        let length = end - pending.readerIndex
        guard var line = pending.readSlice(length: length + 1) else { return nil }
        let hasReturn = length > 0 && line.getInteger(at: line.readerIndex + length - 1) == UInt8(ascii: "\r")
        line.moveWriterIndex(to: line.readerIndex + length - (hasReturn ? 1 : 0))
        return line
    }

    private static func hexadecimal(_ line: ByteBuffer) throws(WireError) -> Int {
        var value = 0
        var digits = 0
        for byte in line.readableBytesView {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { break }
            value = value << 4 | digit
            digits += 1
        }
        guard (1...8).contains(digits) else { throw WireError(description: "A chunk's size is no number.") }
        return value
    }
}

/// The headers that say where a message ends.
private struct HeadFields {
    var status = 0
    var contentLength: Int?
    var isChunked = false
    var closes = false

    init(_ bytes: UnsafeRawBufferPointer, kind: MessageParser.Kind) {
        if kind == .response, bytes.count > 12 {
            status = Self.number(bytes, from: 9) ?? 0
        }
        var start = 0
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<index])
            start = index + 1
            guard let first = line.first else { continue }
            switch first | 0x20 {
            case UInt8(ascii: "c"):
                if let value = Self.value(of: "content-length:", in: line) {
                    contentLength = Self.number(line, from: value)
                } else if let value = Self.value(of: "connection:", in: line) {
                    closes = line.count > value && line[value] | 0x20 == UInt8(ascii: "c")
                }
            case UInt8(ascii: "t"):
                if let value = Self.value(of: "transfer-encoding:", in: line) {
                    isChunked = line.count > value && line[value] | 0x20 == UInt8(ascii: "c")
                }
            default:
                break
            }
        }
    }

    /// - Returns: Where the value begins, if the line is that header, whose name is given in lower case.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> Int? {
        let count = name.utf8CodeUnitCount
        guard line.count > count else { return nil }
        let wanted = UnsafeBufferPointer(start: name.utf8Start, count: count)
        for index in 0..<count {
            let byte = line[index]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUpper ? byte | 0x20 : byte) == wanted[index] else { return nil }
        }
        var index = count
        while index < line.count, line[index] == UInt8(ascii: " ") { index += 1 }
        return index
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var value = 0
        var index = start
        while index < bytes.count, let digit = digit(bytes[index]), value < 1 << 50 {
            value = value * 10 + digit
            index += 1
        }
        return index > start ? value : nil
    }

    private static func digit(_ byte: UInt8) -> Int? {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte) - 48 : nil
    }
}
