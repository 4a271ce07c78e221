import GantryPlugin

/// What a client's request becomes on its way, and its answer.
extension OpenAITarget {
    /// A request of a client's with its body.
    ///
    /// - Parameters:
    ///   - request: Without its body.
    ///   - operation: Whose input is lent now.
    ///   - name: What hooks call the operation.
    ///   - edits: What the provider wants differently.
    /// - Returns: The request, and its count if it is counted.
    /// - Throws: ``Failure``, also that of a hook.
    func filled(
        _ request: HTTPRequest,
        _ operation: Operation,
        _ name: Hooks.Name,
        editing edits: ChatEdits? = nil
    ) throws(Failure) -> (request: HTTPRequest, count: Hooks.Count?) {
        var request = request
        let references = try hooks?.named(operation.references, name) ?? operation.references
        request.body = try body(operation, references, editing: edits)
        guard let hooks else { return (request, nil) }
        let model = references.first { $0.kind == .model }?.upstreamID ?? ""
        let (body, count) = try hooks.sent(request.body, of: operation, name, model: model)
        request.body = body
        return (request, count)
    }

    /// The body of a client's request with the resolved places replaced.
    func body(
        _ operation: Operation,
        _ references: [Reference],
        editing edits: ChatEdits?
    ) throws(Failure) -> [Segment] {
        try operation.withInput { input throws(Failure) in
            guard let edits else { return try Segment.translated(references, in: input.count) }
            return try Requests.splice(references, into: input.count, editing: try edits.edits(of: input))
        }
    }

    /// Sends a request, with the headers that sign it.
    nonisolated(nonsending) func send(
        _ request: HTTPRequest,
        _ operation: Operation
    ) async throws(Failure) -> HTTPResponse {
        try await operation.send(try signed(request))
    }

    /// The request with the headers that sign it.
    func signed(_ request: HTTPRequest) throws(Failure) -> HTTPRequest {
        guard let hooks else { return request }
        return try hooks.signed(request)
    }

    /// Gives the client an answer that a hook reads before.
    nonisolated(nonsending) func answerThroughHooks(
        _ operation: Operation,
        to request: HTTPRequest,
        _ name: Hooks.Name,
        editing edits: ChatEdits? = nil
    ) async throws(Failure) -> OperationResult {
        var (request, count) = try filled(request, operation, name, editing: edits)
        guard operation.isStreaming else {
            request.framing = .whole
            let body = try await answer(to: request, operation)
            return .bytes(try hooks?.given(body, name, count: count) ?? body)
        }
        request.framing = .serverSentEvents
        let response = try await send(request, operation)
        guard response.isSuccess else { throw Failures.failure(response, try await response.body()) }
        var isEmpty = true
        while let event = try await response.next() {
            isEmpty = false
            // The host ends a stream, once it is over.
            guard event.data != Self.streamEnd else { continue }
            if let given = try hooks?.given(event, name) { try operation.output(given.data, event: given.event) }
        }
        guard !isEmpty else { throw Responses.malformed("has no events") }
        return .done
    }

    private static let streamEnd = Array("[DONE]".utf8)
}
