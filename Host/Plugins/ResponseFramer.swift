import NIOCore

/// Cuts the body of a response into the events that a plugin asked for.
struct ResponseFramer {
    /// One event's worth of the body.
    struct Frame: Equatable {
        let data: ByteBuffer
        let event: String
    }

    /// The body had more in one frame than the host keeps for a plugin.
    struct TooLarge: Error {}

    /// The largest WHOLE body, line or event; a provider that sends more gets the request aborted.
    static let maximumFrameBytes = 32 << 20

    private let framing: ResponseFraming
    private var pending = ByteBuffer()
    private var scanned = 0
    private var event = ""
    private var data: ByteBuffer?

    init(_ framing: ResponseFraming) { self.framing = framing }

    /// Whether the body comes out as it went in.
    var isRaw: Bool { framing == .raw }

    /// How the body of an answer outside of 2xx is cut: lines and events are not looked for in an error document.
    var forErrors: ResponseFramer { framing == .whole ? self : ResponseFramer(.raw) }

    /// Adds bytes of the body and returns the frames that are now complete.
    mutating func add(_ bytes: ByteBuffer) throws(TooLarge) -> [Frame] {
        switch framing {
        case .raw: return bytes.readableBytes > 0 ? [Frame(data: bytes, event: "")] : []
        case .whole:
            try gather(bytes)
            return []
        case .lines:
            try gather(bytes)
            var frames: [Frame] = []
            while let line = nextLine() { frames.append(Frame(data: line, event: "")) }
            return frames
        case .serverSentEvents:
            try gather(bytes)
            var frames: [Frame] = []
            while let line = nextLine() {
                if let frame = try interpret(line) { frames.append(frame) }
            }
            return frames
        }
    }

    /// The frames that the end of the body completes.
    mutating func finish() throws(TooLarge) -> [Frame] {
        switch framing {
        case .raw: return []
        case .whole: return [Frame(data: pending, event: "")]
        case .lines:
            return pending.readableBytes > 0 ? [Frame(data: withoutCarriageReturn(pending), event: "")] : []
        // WHATWG HTML, server-sent events: an incomplete event at the end of the stream is discarded.
        case .serverSentEvents: return []
        }
    }

    private mutating func gather(_ bytes: ByteBuffer) throws(TooLarge) {
        guard pending.readableBytes + bytes.readableBytes <= Self.maximumFrameBytes else { throw TooLarge() }
        if pending.readableBytes == 0 {
            pending = bytes
            scanned = 0
        } else {
            pending.writeImmutableBuffer(bytes)
        }
    }

    private mutating func nextLine() -> ByteBuffer? {
        let view = pending.readableBytesView.dropFirst(scanned)
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = pending.readableBytes
            return nil
        }
        let length = end - pending.readerIndex
        scanned = 0
        guard let line = pending.readSlice(length: length) else { return nil }
        pending.moveReaderIndex(forwardBy: 1)
        return withoutCarriageReturn(line)
    }

    private func withoutCarriageReturn(_ line: ByteBuffer) -> ByteBuffer {
        guard line.readableBytesView.last == UInt8(ascii: "\r") else { return line }
        return line.getSlice(at: line.readerIndex, length: line.readableBytes - 1) ?? line
    }

    /// Takes in one line of an event stream; a bare carriage return is no line end here, for no provider sends one.
    private mutating func interpret(_ line: ByteBuffer) throws(TooLarge) -> Frame? {
        guard line.readableBytes > 0 else {
            defer { (event, data) = ("", nil) }
            return data.map { Frame(data: $0, event: event) }
        }
        if let value = value(of: line, field: "data") {
            // Taken out, so that a writer alone has it: an event of many short lines would be copied for each of them.
            guard var gathered = data.take() else {
                data = value
                return nil
            }
            guard gathered.readableBytes + value.readableBytes < Self.maximumFrameBytes else { throw TooLarge() }
            gathered.writeInteger(UInt8(ascii: "\n"))
            gathered.writeImmutableBuffer(value)
            data = gathered
        } else if let value = value(of: line, field: "event") {
            event = String(buffer: value)
        }
        return nil
    }

    private func value(of line: ByteBuffer, field: StaticString) -> ByteBuffer? {
        let count = field.utf8CodeUnitCount
        let view = line.readableBytesView
        let isField = field.withUTF8Buffer { view.starts(with: $0) }
        guard isField else { return nil }
        guard view.count > count else { return line.getSlice(at: line.readerIndex + count, length: 0) }
        guard view[view.startIndex + count] == UInt8(ascii: ":") else { return nil }
        let hasSpace = view.count > count + 1 && view[view.startIndex + count + 1] == UInt8(ascii: " ")
        let skipped = count + (hasSpace ? 2 : 1)
        return line.getSlice(at: line.readerIndex + skipped, length: line.readableBytes - skipped)
    }
}
