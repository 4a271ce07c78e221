/// A request whose answer goes to the client as the provider gives it, and the whole of an operation.
///
/// It is how an adapter serves a provider whose wire format is the client's. An operation that awaits runs in a task,
/// and that costs about as much as everything else that the plugin does for it: a relayed one has none, unless it fails.
public struct Relay {
    /// Reads a response other than one of success and says why the operation failed.
    public typealias Refusal = @Sendable (HTTPResponse) async throws(Failure) -> Failure

    let request: HTTPRequest
    let refusal: Refusal

    /// Makes a relay.
    ///
    /// - Parameters:
    ///   - request: What to send; its framing has no meaning, for the answer is not framed.
    ///   - refusal: Called for a response other than one of success, which comes ``HTTPRequest/Framing/raw``.
    public init(_ request: HTTPRequest, refusal: @escaping Refusal) {
        self.request = request
        self.refusal = refusal
    }
}

/// How far a relay is.
enum RelayPhase {
    case awaitsHead
    case pipes
}
