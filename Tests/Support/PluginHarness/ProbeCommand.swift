import CGantryPlugin
import GantryPlugin

/// A command of a plugin, copied out of what was lent.
package struct ProbeCommand: Sendable {
    /// The kinds; the raw values are those of `GANTRY_CMD_*`.
    package enum Kind: UInt32, Sendable {
        /// Sends a request.
        case http = 1
        /// Asks for SOURCE.
        case pull = 4
        /// Drops the outstanding request.
        case abort = 5
        /// Asks for TIMER.
        case wait = 6
        /// Asks for TOKEN.
        case token = 7
        /// Gives the client a chunk.
        case output = 8
        /// Gives the client the rest of a response.
        case pipe = 9
        /// Something exists at the provider.
        case remember = 10
        /// Something no longer exists.
        case forget = 11
        /// Tokens used.
        case usage = 12
        /// The end.
        case result = 13
        /// The bad end.
        case error = 14
    }

    /// One header.
    package struct Field: Equatable, Sendable {
        /// The name.
        package var name: String
        /// The value.
        package var value: String
        /// The name of the secret that is appended to the value, or empty.
        package var secret: String

        /// Makes a header.
        package init(name: String, value: String, secret: String = "") {
            self.name = name
            self.value = value
            self.secret = secret
        }
    }

    /// What the command is; nil for a kind that is unknown here.
    package let kind: Kind?
    /// The flags.
    package let flags: UInt32
    /// The request's id.
    package let request: UInt32
    /// The framing of HTTP, the class of ERROR.
    package let code: Int32
    /// The upstream status of ERROR.
    package let upstream: UInt32
    /// The milliseconds.
    package let value: UInt64
    /// The data.
    package let data: [UInt8]
    /// The text.
    package let text: String
    /// The method of HTTP.
    package let method: String
    /// The URL of HTTP.
    package let url: String
    /// The headers.
    package let headers: [Field]
    /// The body of HTTP.
    package let body: [Segment]

    init(_ command: gantry_command) {
        kind = Kind(rawValue: command.kind)
        flags = command.flags
        request = command.request
        code = command.code
        upstream = command.upstream
        value = command.value
        data = Self.bytes(command.data)
        text = Self.text(command.text)
        method = Self.text(command.method)
        url = Self.text(command.url)
        headers = UnsafeBufferPointer(start: command.pairs, count: command.pair_count).map {
            Field(name: Self.text($0.name), value: Self.text($0.value), secret: Self.text($0.secret))
        }
        body = UnsafeBufferPointer(start: command.segments, count: command.segment_count).map { Self.segment($0) }
    }

    /// The data as JSON, or nil if it is not JSON.
    package var json: JSON? {
        do { return try JSON(parsing: data) } catch { return nil }
    }

    /// The failure of ERROR, with its flags.
    package var failure: Failure? {
        guard kind == .error, let reason = FailureReason(rawValue: code) else { return nil }
        return Failure(
            reason,
            String(decoding: data, as: UTF8.self),
            upstreamStatus: Int(upstream),
            parameter: text.isEmpty ? nil : text,
            retryAfterMilliseconds: value,
            isRetryable: flags & 1 != 0,
            mayFallBack: flags & 2 != 0
        )
    }

    /// The first header of that name, in whatever case.
    package func header(_ name: String) -> Field? { headers.first { $0.name.lowercased() == name.lowercased() } }

    /// The body as the host would send it, with ranges taken from these bytes and a secret as its name in `<>`.
    package func bodyBytes(input: [UInt8] = [], source: [UInt8] = []) -> [UInt8] {
        body.flatMap { segment -> [UInt8] in
            switch segment {
            case .bytes(let bytes): bytes
            case .text(let text): Array(text.utf8)
            case .input(let range): Array(input[range.clamped(to: input.indices)])
            case .source(let offset, let length):
                Array(source.dropFirst(Int(clamping: offset)).prefix(length == 0 ? .max : Int(clamping: length)))
            case .secret(let name, formEncoded: _): Array("<\(name)>".utf8)
            }
        }
    }

    /// The body as text.
    package func bodyText(input: [UInt8] = [], source: [UInt8] = []) -> String {
        String(decoding: bodyBytes(input: input, source: source), as: UTF8.self)
    }

    private static func bytes(_ slice: gantry_slice) -> [UInt8] {
        Array(UnsafeBufferPointer(start: slice.ptr, count: slice.len))
    }

    private static func text(_ slice: gantry_slice) -> String { String(decoding: bytes(slice), as: UTF8.self) }

    private static func segment(_ segment: gantry_segment) -> Segment {
        switch segment.kind {
        case 1: .source(offset: segment.offset, length: segment.length)
        case 2: .input(Int(clamping: segment.offset)..<Int(clamping: segment.offset + segment.length))
        case 3: .secret(text(segment.bytes), formEncoded: segment.flags & 1 != 0)
        default: .bytes(bytes(segment.bytes))
        }
    }
}
