import CGantryPlugin

/// One operation: what the host asks, and the ways to answer it.
///
/// It belongs to the task that runs ``AdapterTarget/perform(_:)``. Every method that awaits throws
/// ``FailureReason/cancelled`` once the client is gone.
public final class Operation {
    /// What is asked.
    public let kind: OperationKind
    /// The host's name of the client's request, for logs.
    public let requestID: String
    /// Whether the client wants a stream.
    public let isStreaming: Bool
    /// Whether an attempt at the same request has failed before, here or at another deployment.
    public let isRetry: Bool
    /// The length of the source in bytes; nil if there is none or it is not known yet.
    public let sourceLength: UInt64?
    /// The places in the input that the host has resolved, in ascending order; within the input.
    public let references: [Reference]

    private let state: OperationState

    /// Copies what the START event lends.
    init(state: OperationState, start: StartEvent) {
        self.state = state
        kind = state.kind
        requestID = start.requestID
        isStreaming = start.isStreaming
        isRetry = start.isRetry
        sourceLength = start.sourceLength
        references = start.references
    }

    /// Lends the input: the client's request as it was sent, or the operation's JSON.
    ///
    /// - Throws: What `body` throws; ``Failure`` with `.internalError` after the first await, when the input is no
    ///   longer lent.
    public func withInput<T>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> T) throws(Failure) -> T {
        try body(try state.input())
    }

    /// The input as a value; only before the first await.
    /// - Throws: ``Failure`` with `.invalid` if the input is not JSON.
    public func inputJSON() throws(Failure) -> JSON {
        try withInput { bytes throws(Failure) in
            do throws(JSONError) {
                return try JSON(parsing: bytes)
            } catch {
                throw Failure(.invalid, "The request is not valid JSON: \(error).")
            }
        }
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// There is one request at a time: an unfinished one is aborted.
    /// - Throws: ``Failure`` of the class that fits what went wrong on the way.
    public nonisolated(nonsending) func send(_ request: HTTPRequest) async throws(Failure) -> HTTPResponse {
        let id = try state.open(request)
        let event = try await state.event([.head, .end, .failed])
        switch event.kind {
        case EventKind.head.rawValue:
            return HTTPResponse(state: state, id: id, request: request, head: event)
        case EventKind.failed.rawValue:
            throw state.networkFailure(event, mayRepeat: request.allowsRetry)
        default:
            throw Failure.headless
        }
    }

    /// An access token made by the plugin's own credential operation, or from the host's cache.
    ///
    /// With `refresh` a new one, since the provider has refused the cached one.
    public nonisolated(nonsending) func token(scope: String, refresh: Bool = false) async throws(Failure) -> String {
        try state.emit(.token, text: scope, flags: refresh ? CommandFlags.refreshToken : 0)
        let event = try await state.event([.token])
        guard event.code == 0 else {
            let reason = FailureReason(rawValue: event.code) ?? .upstreamAuthentication
            let mayPass = [.rateLimit, .upstreamUnavailable, .upstreamTimeout].contains(reason)
            throw Failure(reason, event.text.string, isRetryable: mayPass, mayFallBack: reason != .cancelled)
        }
        return event.data.string
    }

    /// The next line of the source; nil after the last one.
    ///
    /// - Throws: ``Failure`` with `.internalError` if the operation has no lines.
    public nonisolated(nonsending) func nextLine() async throws(Failure) -> SourceLine? {
        guard !state.sourceHasEnded else { return nil }
        try state.emit(.pull)
        let event = try await state.event([.source, .sourceEnd])
        guard event.kind == EventKind.source.rawValue else {
            state.sourceHasEnded = true
            return nil
        }
        return try SourceLine(event)
    }

    /// Waits.
    public nonisolated(nonsending) func wait(milliseconds: UInt64) async throws(Failure) {
        try state.emit(.wait, value: milliseconds)
        _ = try await state.event([.timer])
    }

    /// Gives the client one chunk: the payload of a server-sent event, and its name if it has one.
    public func output(_ payload: [UInt8], event: String = "") throws(Failure) {
        try state.emit(.output, data: payload, text: event)
        state.clientHasBytes = true
    }

    /// Has the host write down that something now exists at the provider; call it before anything else.
    public func remember(kind: String = "file", id: String) throws(Failure) {
        try state.emit(.remember, data: Array(id.utf8), text: kind)
    }

    /// Has the host write down that something no longer exists at the provider.
    public func forget(kind: String = "file", id: String) throws(Failure) {
        try state.emit(.forget, data: Array(id.utf8), text: kind)
    }

    /// Reports the tokens used, for accounting.
    public func usage(_ json: JSON) throws(Failure) { try state.emit(.usage, data: json.serialized()) }
}
