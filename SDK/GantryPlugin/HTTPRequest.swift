/// A request that the host is to send to the provider.
public struct HTTPRequest: Sendable {
    /// How the host hands over the response's body; the raw values are those of `GANTRY_FRAME_*`.
    public enum Framing: Int32, Sendable {
        /// In one piece, bounded by the host.
        case whole = 0
        /// As it arrives; the only one that can be piped.
        case raw = 1
        /// Line by line.
        case lines = 2
        /// By server-sent events: payload and name.
        case serverSentEvents = 3
    }

    /// The method, such as `GET`.
    public var method: String
    /// The absolute URL; its host must be allowed by the manifest or be an endpoint of the deployment.
    public var url: String
    /// The headers; `Content-Length` is the host's business.
    public var headers: [Header]
    /// The body's pieces, in order.
    public var body: [Segment]
    /// How the response's body is handed over.
    public var framing: Framing
    /// Whether sending it twice is as good as sending it once.
    public var isIdempotent: Bool
    /// Whether the host may send it again after a failure.
    public var allowsRetry: Bool
    /// The time for the whole exchange, or 0 for the host's own limit.
    public var timeoutMilliseconds: UInt64

    /// Makes a request.
    public init(
        method: String,
        url: String,
        headers: [Header] = [],
        body: [Segment] = [],
        framing: Framing = .whole,
        isIdempotent: Bool = false,
        allowsRetry: Bool = true,
        timeoutMilliseconds: UInt64 = 0
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.framing = framing
        self.isIdempotent = isIdempotent
        self.allowsRetry = allowsRetry
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// A header field, to whose value the host may append a secret.
public struct Header: Hashable, Sendable {
    /// The field's name.
    public var name: String
    /// The field's value, or what stands before the secret, such as `Bearer ` with its space.
    public var value: String
    /// The name of the secret that the host appends.
    public var secret: String?

    /// Makes a header.
    public init(_ name: String, _ value: String, secret: String? = nil) {
        self.name = name
        self.value = value
        self.secret = secret
    }
}

/// One piece of a request's body.
public enum Segment: Hashable, Sendable {
    /// Literal bytes.
    case bytes([UInt8])
    /// Literal text, as UTF-8.
    case text(String)
    /// A range of the operation's source; length 0 means to its end.
    case source(offset: UInt64 = 0, length: UInt64 = 0)
    /// A range of the operation's input, which the host still holds. An empty range adds nothing.
    case input(Range<Int>)
    /// The value of a named secret, percent-encoded for `application/x-www-form-urlencoded` if asked for.
    case secret(String, formEncoded: Bool)
}

/// One piece of a response's body.
public struct Chunk: Hashable, Sendable {
    /// Bytes as they came, a line without its end, or an event's payload.
    public var data: [UInt8]
    /// The event's name, or empty.
    public var event: String

    /// Makes a chunk.
    public init(data: [UInt8], event: String = "") {
        self.data = data
        self.event = event
    }
}
