import CGantryPlugin

/// The response to a request, from its head on.
///
/// It is read to its end, piped or aborted before the operation awaits anything else: what arrives meanwhile is lost,
/// and reading on throws.
public final class HTTPResponse {
    /// The HTTP status.
    public let status: Int

    private let headerBlock: HeaderBlock
    private let state: OperationState
    private let id: UInt32
    private let framing: HTTPRequest.Framing
    private let mayRepeat: Bool
    private var isOver = false

    /// Copies what the HEAD event lends.
    init(state: OperationState, id: UInt32, request: HTTPRequest, head: gantry_event) {
        status = Int(head.code)
        headerBlock = HeaderBlock(head)
        self.state = state
        self.id = id
        framing = request.framing
        mayRepeat = request.allowsRetry
    }

    /// The headers, names in lower case.
    public var headers: [(name: String, value: String)] { headerBlock.all }

    /// The first header of that name, in whatever case.
    public func header(_ name: String) -> String? { headerBlock.first(name) }

    /// The next piece of the body by the request's framing; nil at its end.
    public nonisolated(nonsending) func next() async throws(Failure) -> Chunk? {
        guard let event = try await nextEvent() else { return nil }
        return Chunk(data: event.data.bytes, event: event.text.string)
    }

    /// The rest of the body; the lines of a success are joined with line feeds.
    ///
    /// The host does not frame a refusal by lines or events, whatever was asked for: it is a document. At most `limit`
    /// bytes are kept of a body that is not framed as a whole, which the host bounds; what is over it is dropped and
    /// the response aborted.
    public nonisolated(nonsending) func body(limit: Int = 64 * 1024) async throws(Failure) -> [UInt8] {
        let joinsLines = framing == .lines && (200..<300).contains(status)
        var body: [UInt8] = []
        var isFirst = true
        while let event = try await nextEvent() {
            if joinsLines, !isFirst { body.append(UInt8(ascii: "\n")) }
            isFirst = false
            if body.isEmpty { body = event.data.bytes } else { body.append(contentsOf: event.data.buffer) }
            guard framing != .whole, body.count > max(limit, 0) else { continue }
            body.removeLast(body.count - max(limit, 0))
            try abort()
        }
        return body
    }

    /// Gives the rest of the body to the client as it is, and waits for its end.
    ///
    /// The request must have asked for ``HTTPRequest/Framing/raw``. `headers` are for the client, besides those that
    /// the host passes on.
    public nonisolated(nonsending) func pipe(headers: [Header] = []) async throws(Failure) {
        guard !isOver else { throw Failure(.internalError, "A response that is over cannot be piped.") }
        try state.pipe(id, headers: headers)
        let event = try await state.event([.end, .failed])
        isOver = true
        if event.kind == EventKind.failed.rawValue { throw state.networkFailure(event, mayRepeat: mayRepeat) }
    }

    /// Drops the rest of the response.
    public func abort() throws(Failure) {
        guard !isOver else { return }
        isOver = true
        try state.abort(id)
    }

    private nonisolated(nonsending) func nextEvent() async throws(Failure) -> gantry_event? {
        guard !isOver else { return nil }
        try state.checkResponse(id)
        let event = try await state.event([.data, .end, .failed])
        guard event.kind != EventKind.data.rawValue else { return event }
        isOver = true
        if event.kind == EventKind.failed.rawValue { throw state.networkFailure(event, mayRepeat: mayRepeat) }
        return nil
    }
}
