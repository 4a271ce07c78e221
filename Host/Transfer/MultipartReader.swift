import HostCore
import NIOCore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a multipart body turns out to hold, in order.
package enum MultipartEvent: Hashable, Sendable {
    case partBegan(MultipartPart)
    /// Some of the part's content, never empty.
    case partBytes(ByteBuffer)
    case partEnded
    /// The closing boundary has been read.
    case finished
}

/// Reads a multipart/form-data body (RFC 7578, RFC 2046 §5.1) as it comes in, wherever it is cut.
///
/// Append a chunk, then ask for events until there are none; in the end call ``finish()``. Content is passed on as
/// slices of the chunks. Never more is kept than one part's headers, or one boundary, and the chunk it stands in. Lines
/// end in CRLF; a bare LF is refused. A reader that has thrown throws the same again.
package struct MultipartReader: Sendable {
    /// What one body may have.
    package struct Limits: Sendable {
        /// Bytes of the headers of one part, and of what precedes the first boundary.
        package var headerBytes = 16_384
        package var headersPerPart = 32
        package var parts = 64

        /// Makes the default limits: 16 kB and 32 headers a part, 64 parts.
        package init() {}
    }

    private enum State {
        case preamble
        case headers(MultipartHeaders)
        /// The CRLF that ended the headers is still there: a boundary may follow it at once.
        case contentStart
        case content
        case finishing
        case epilogue(isChecked: Bool)
        case failed(RuleError)
    }

    // CRLF, two dashes, the boundary.
    private let delimiter: [UInt8]
    private let limits: Limits
    private var state = State.preamble
    // The first boundary may stand at the very start: it gets the CRLF that every other boundary has.
    private var pending = ByteBuffer(string: "\r\n")
    // How much of `pending` is known to hold no line end (in headers), so that tiny chunks cost no rescan.
    private var searched = 0
    private var countedBytes = 0
    private var parts = 0
    private var appendedBytes: Int64 = 0

    /// Makes a reader that stands before the first boundary.
    package init(_ boundary: MultipartBoundary, limits: Limits = Limits()) {
        delimiter = Array("\r\n--\(boundary.text)".utf8)
        self.limits = limits
    }

    /// Takes the next piece of the body.
    package mutating func append(_ chunk: ByteBuffer) {
        appendedBytes += Int64(chunk.readableBytes)
        if pending.readableBytes == 0 {
            pending = chunk
        } else {
            // What is left over is the beginning of a boundary or of a part's headers, so this copies little more than
            // the chunk. What has been read goes first, or the buffer would grow with the body.
            pending.discardReadBytes()
            pending.writeImmutableBuffer(chunk)
        }
    }

    /// The next event; nil if more of the body is needed.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, or `.tooLarge` for what is over a limit.
    package mutating func next() throws(RuleError) -> MultipartEvent? {
        do throws(RuleError) {
            while true {
                switch try step() {
                case .event(let event): return event
                case .again: continue
                case .starved: return nil
                }
            }
        } catch {
            state = .failed(error)
            pending = ByteBuffer()
            throw error
        }
    }

    /// Ends the body, after its last event.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest` if the closing boundary is missing: the body was cut short.
    package mutating func finish() throws(RuleError) {
        if case .failed(let error) = state { throw error }
        guard case .epilogue = state else {
            throw RuleError(
                .invalidRequest,
                "The multipart body ends before its closing boundary: the upload was cut short. Send it again."
            )
        }
    }

    /// How many bytes the content of the part that has just begun will have if it is the last one and the body ends as
    /// RFC 2046 §5.1.1 has it, in the closing boundary and one line end.
    ///
    /// It is a guess: another part, padding or an epilogue may follow, and some clients leave out the last line end.
    ///
    /// - Parameter bodyBytes: What the whole body has.
    /// - Returns: Nil if no part has just begun, or what is left is too little for its end.
    package func probableContentLength(bodyBytes: Int64) -> Int64? {
        // The line end in front of the content is still pending, and is no part of it.
        guard case .contentStart = state else { return nil }
        let contentStart = appendedBytes - Int64(pending.readableBytes) + 2
        let length = bodyBytes - contentStart - Int64(delimiter.count) - 4
        return length >= 0 ? length : nil
    }

    private enum Progress {
        case event(MultipartEvent)
        case again
        case starved
    }

    private mutating func step() throws(RuleError) -> Progress {
        switch state {
        case .preamble: return try readPreamble()
        case .headers(var headers): return try readHeader(&headers)
        case .contentStart: return try readContentStart()
        case .content: return try readContent()
        case .finishing:
            state = .epilogue(isChecked: false)
            return .event(.finished)
        case .epilogue(let isChecked): return try readEpilogue(isChecked: isChecked)
        case .failed(let error): throw error
        }
    }
}

extension MultipartReader {
    private mutating func readPreamble() throws(RuleError) -> Progress {
        let found = try findDelimiter()
        countedBytes += found.offset
        pending.moveReaderIndex(forwardBy: found.offset)
        guard countedBytes <= limits.headerBytes else {
            throw malformed("its first \(limits.headerBytes) bytes have no boundary line")
        }
        guard let ending = found.ending else { return .starved }
        pending.moveReaderIndex(forwardBy: ending.length)
        begin(after: ending)
        return .again
    }

    private mutating func readContentStart() throws(RuleError) -> Progress {
        let begins = pending.withUnsafeReadableBytes { bytes in
            bytes.count < delimiter.count ? delimiter.starts(with: bytes) : bytes.starts(with: delimiter)
        }
        if begins, pending.readableBytes < delimiter.count { return .starved }
        if begins {
            switch try judge(at: 0) {
            case .starved: return .starved
            case .ending(let ending):
                pending.moveReaderIndex(forwardBy: ending.length)
                begin(after: ending)
                return .event(.partEnded)
            case .content: break
            }
        }
        pending.moveReaderIndex(forwardBy: 2)
        state = .content
        return .again
    }

    private mutating func readContent() throws(RuleError) -> Progress {
        let found = try findDelimiter()
        if found.offset > 0, let content = pending.readSlice(length: found.offset) {
            return .event(.partBytes(content))
        }
        guard let ending = found.ending else { return .starved }
        pending.moveReaderIndex(forwardBy: ending.length)
        begin(after: ending)
        return .event(.partEnded)
    }

    private mutating func begin(after ending: Ending) {
        searched = 0
        countedBytes = 0
        state = ending.isLast ? .finishing : .headers(MultipartHeaders())
    }

    private mutating func readEpilogue(isChecked: Bool) throws(RuleError) -> Progress {
        guard let first = pending.getInteger(at: pending.readerIndex, as: UInt8.self) else { return .starved }
        guard isChecked || first == 0x0d || first == 0x20 || first == 0x09 else {
            throw malformed("its closing boundary line goes on after the dashes")
        }
        state = .epilogue(isChecked: true)
        pending = ByteBuffer()
        return .starved
    }

    private mutating func readHeader(_ headers: inout MultipartHeaders) throws(RuleError) -> Progress {
        guard let lineEnd = pending.withUnsafeReadableBytes({ $0[searched...].firstIndex(of: 0x0a) }) else {
            searched = pending.readableBytes
            guard countedBytes + searched <= limits.headerBytes else { throw headersTooLarge }
            return .starved
        }
        guard lineEnd > 0, pending.getInteger(at: pending.readerIndex + lineEnd - 1, as: UInt8.self) == 0x0d else {
            throw Self.bareLineFeed
        }
        searched = 0
        countedBytes += lineEnd + 1
        guard countedBytes <= limits.headerBytes else { throw headersTooLarge }
        if lineEnd == 1 { return try beginPart(headers) }
        guard headers.count < limits.headersPerPart else { throw headersTooLarge }
        let added = pending.withUnsafeReadableBytes { bytes in
            let line = UnsafeRawBufferPointer(rebasing: bytes[..<(lineEnd - 1)])
            return Result { () throws(RuleError) in try headers.add(line) }
        }
        try added.get()
        pending.moveReaderIndex(forwardBy: lineEnd + 1)
        state = .headers(headers)
        return .again
    }

    private mutating func beginPart(_ headers: MultipartHeaders) throws(RuleError) -> Progress {
        parts += 1
        guard parts <= limits.parts else {
            throw RuleError(.tooLarge, "The multipart body has more than \(limits.parts) parts.")
        }
        let part = try headers.part()
        state = .contentStart
        return .event(.partBegan(part))
    }
}

extension MultipartReader {
    /// The rest of a boundary line, from its CRLF on.
    private struct Ending {
        let length: Int
        let isLast: Bool
    }

    private enum Judgement {
        case starved
        case ending(Ending)
        /// It only begins like the boundary.
        case content
    }

    private static let maximumPadding = 64

    // How many bytes precede the first boundary line, or what may become one; and its ending, if that is all there.
    private func findDelimiter() throws(RuleError) -> (offset: Int, ending: Ending?) {
        var start = 0
        while let offset = offsetOfDelimiter(from: start) {
            switch try judge(at: offset) {
            case .starved: return (offset, nil)
            case .ending(let ending): return (offset, ending)
            case .content: start = offset + 2
            }
        }
        return (pending.readableBytes - heldBack, nil)
    }

    // A boundary has no CR in it, so looking from one CR to the next reads no byte more than twice.
    private func offsetOfDelimiter(from start: Int) -> Int? {
        pending.withUnsafeReadableBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var offset = start
            while bytes.count - offset >= delimiter.count {
                if bytes[offset] != 0x0d {
                    let candidates = bytes.count - offset - delimiter.count + 1
                    guard let found = memchr(base + offset, 0x0d, candidates) else { return nil }
                    offset = base.distance(to: UnsafeRawPointer(found))
                }
                if bytes[offset + 1] == 0x0a, memcmp(base + offset, delimiter, delimiter.count) == 0 { return offset }
                offset += 1
            }
            return nil
        }
    }

    // How many of the last bytes are the beginning of a delimiter whose rest may be in the next chunk.
    private var heldBack: Int {
        pending.withUnsafeReadableBytes { bytes in
            var tail = bytes.suffix(delimiter.count - 1)
            while let start = tail.firstIndex(of: 0x0d) {
                tail = tail[start...]
                if delimiter.starts(with: tail) { return tail.count }
                tail = tail.dropFirst()
            }
            return 0
        }
    }

    // What the delimiter at an offset is: RFC 2046 §5.1.1 lets only white space stand between it, or the two dashes
    // after it, and the end of the line. A longer word that begins with the boundary is content.
    private func judge(at offset: Int) throws(RuleError) -> Judgement {
        let end = pending.readerIndex + offset + delimiter.count
        guard let first = pending.getInteger(at: end, as: UInt8.self) else { return .starved }
        switch first {
        case UInt8(ascii: "-"):
            guard let second = pending.getInteger(at: end + 1, as: UInt8.self) else { return .starved }
            return second == UInt8(ascii: "-") ? .ending(Ending(length: delimiter.count + 2, isLast: true)) : .content
        case 0x0d, 0x20, 0x09, 0x0a:
            guard let padding = try padding(from: end) else { return .starved }
            return .ending(Ending(length: delimiter.count + padding + 2, isLast: false))
        default:
            return .content
        }
    }

    // How much white space precedes the CRLF that must come; nil if it has not come yet.
    private func padding(from start: Int) throws(RuleError) -> Int? {
        for length in 0...Self.maximumPadding {
            guard let byte = pending.getInteger(at: start + length, as: UInt8.self) else { return nil }
            switch byte {
            case 0x20, 0x09: continue
            case 0x0a: throw Self.bareLineFeed
            case 0x0d:
                guard let next = pending.getInteger(at: start + length + 1, as: UInt8.self) else { return nil }
                guard next == 0x0a else { throw malformed("a boundary line does not end in CRLF") }
                return length
            default: throw malformed("a boundary line has more than the boundary")
            }
        }
        throw malformed("a boundary line has more than \(Self.maximumPadding) spaces")
    }

    private func malformed(_ problem: String) -> RuleError {
        RuleError(.invalidRequest, "The multipart body is malformed: \(problem).")
    }

    private var headersTooLarge: RuleError {
        RuleError(
            .tooLarge,
            "The headers of a part have more than \(limits.headerBytes) bytes or \(limits.headersPerPart) lines."
        )
    }

    private static let bareLineFeed = RuleError(
        .invalidRequest,
        "The multipart body is malformed: its lines must end in CRLF, not in LF alone."
    )
}
