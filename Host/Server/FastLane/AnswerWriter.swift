import NIOCore
import NIOHTTP1

/// The bytes of one answer to a POST: its head, and its body in the frame that the head promises (RFC 9112 §6).
///
/// NIO's encoder wants an `HTTPHeaders`, boxes each part, and writes each apart. Here a short answer is one buffer: that
/// is a fifth of the instructions, and one write of the system instead of two or three.
struct AnswerWriter {
    /// How the client sees where the body ends.
    private enum Frame {
        /// It has none.
        case none
        case length(left: Int)
        case chunks
        /// With the connection.
        case close
    }

    /// Longer pieces are not copied to those before them.
    private static let longestCopy = 4096

    /// What has to be written next.
    private var waiting: ByteBuffer
    private var frame: Frame

    /// Begins an answer.
    ///
    /// - Parameters:
    ///   - head: Without `Connection`, `Content-Length` and `Transfer-Encoding`.
    ///   - isOld: Whether the client speaks HTTP/1.0, which knows no chunks; its connection closes after each answer.
    ///   - isLast: Whether the connection closes after this answer.
    init(_ head: AnswerHead, isOld: Bool, isLast: Bool) {
        frame =
            if !head.status.mayHaveResponseBody {
                .none
            } else if let length = head.length {
                .length(left: length)
            } else {
                isOld ? .close : .chunks
            }
        let reason = head.status.reasonPhrase
        let fieldsSize = head.fields.reduce(0) { $0 + $1.name.utf8CodeUnitCount + $1.value.utf8.count + 4 }
        let size = reason.utf8.count + fieldsSize + 128
        let body = min(max(head.length ?? 0, 0), Self.longestCopy)
        waiting = ByteBufferAllocator().buffer(capacity: size + body)
        waiting.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { [frame] bytes in
            var text = HeadText(bytes)
            text.add(isOld ? "HTTP/1.0 " : "HTTP/1.1 ")
            text.add(Int(head.status.code))
            text.add(" ")
            text.add(value: reason)
            text.add("\r\n")
            for field in head.fields {
                text.add(field.name)
                text.add(": ")
                text.add(value: field.value)
                text.add("\r\n")
            }
            if isLast || isOld { text.add("connection: close\r\n") }
            switch frame {
            case .length(let length):
                text.add("content-length: ")
                text.add(length)
                text.add("\r\n\r\n")
            case .chunks: text.add("transfer-encoding: chunked\r\n\r\n")
            case .none, .close: text.add("\r\n")
            }
            return text.count
        }
    }

    /// Adds a piece of the body.
    ///
    /// - Returns: What to write now; nothing if a short piece waits for what comes next.
    /// - Throws: ``WrongLength`` if it is more than the head has promised.
    mutating func add(_ piece: ByteBuffer) throws(WrongLength) -> [ByteBuffer] {
        let count = piece.readableBytes
        guard count > 0 else { return [] }
        switch frame {
        case .none: return []
        case .length(let left):
            guard count <= left else { throw WrongLength() }
            frame = .length(left: left - count)
        case .chunks:
            waiting.writeString(String(count, radix: 16))
            waiting.writeStaticString("\r\n")
        case .close: break
        }
        guard count > Self.longestCopy else {
            waiting.writeImmutableBuffer(piece)
            addChunkEnd()
            return []
        }
        let before = take()
        addChunkEnd()
        return [before, piece].compactMap { $0 }
    }

    /// Ends the body.
    ///
    /// - Throws: ``WrongLength`` if it is less than the head has promised.
    mutating func end() throws(WrongLength) {
        switch frame {
        case .length(let left) where left > 0: throw WrongLength()
        case .chunks: waiting.writeStaticString("0\r\n\r\n")
        case .none, .length, .close: break
        }
    }

    /// Takes what waits to be written, if there is something.
    mutating func take() -> ByteBuffer? {
        guard waiting.readableBytes > 0 else { return nil }
        defer { waiting = ByteBuffer() }
        return waiting
    }

    private mutating func addChunkEnd() {
        if case .chunks = frame { waiting.writeStaticString("\r\n") }
    }
}

/// A body is not as long as its head has said; the client must not take it for whole.
struct WrongLength: Error {}

/// Writes a head into memory that is large enough.
private struct HeadText {
    private let bytes: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    mutating func add(_ text: StaticString) {
        text.withUTF8Buffer { UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).copyMemory(from: .init($0)) }
        count += text.utf8CodeUnitCount
    }

    /// Adds what may come from outside: control characters, which could end the header, become spaces (RFC 9110 §5.5).
    mutating func add(value text: String) {
        var text = text
        text.withUTF8 { text in
            // Plain pointers, so that the compiler makes vectors of it.
            guard let from = text.baseAddress, let to = bytes.baseAddress else { return }
            for index in 0..<text.count {
                let byte = from[index]
                let isControl = byte < 0x20 || byte == 0x7f
                to.storeBytes(of: isControl ? UInt8(ascii: " ") : byte, toByteOffset: count &+ index, as: UInt8.self)
            }
            count += text.count
        }
    }

    /// Adds a number that is not negative.
    mutating func add(_ number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes[count] = UInt8(ascii: "0") + UInt8(number / divisor % 10)
            count += 1
            divisor /= 10
        }
    }
}
