import GantryPlugin

/// The Responses API.
extension OpenAITarget {
    private static let collection = "/responses"
    private static let kind = "response"

    func createResponse(_ operation: Operation) async throws(Failure) -> OperationResult {
        var (request, count) = try filled(requests.responses, operation, .responses)
        if operation.isStreaming { request.framing = .serverSentEvents }
        do throws(Failure) {
            return try await create(request, operation, count)
        } catch {
            throw Failures.inClientsWords(error, operation.references)
        }
    }

    private nonisolated(nonsending) func create(
        _ request: HTTPRequest,
        _ operation: Operation,
        _ count: Hooks.Count?
    ) async throws(Failure) -> OperationResult {
        guard operation.isStreaming else {
            let body = try given(try await answer(to: request, operation), count)
            try remember(try Responses.object(body), operation)
            return .bytes(body)
        }
        return try await stream(request, operation) { event throws(Failure) in
            try remember(try ResponseStream.response(in: event), operation)
        }
    }

    func getResponse(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let query = input["query"]?.string.map(Wire.query) ?? ""
        let path = try Requests.path(Self.collection, input) + (query.isEmpty ? "" : "?" + query)
        guard query.split(separator: "&").contains("stream=true") else {
            let body = try given(try await answer(to: requests.get(path), operation))
            _ = try Responses.object(body, id: try Requests.id(of: input))
            return .bytes(body)
        }
        return try await stream(requests.get(path, framing: .serverSentEvents), operation) { event throws(Failure) in
            try ResponseStream.checkStart(event)
        }
    }

    func responseItems(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let query = input["query"]?.string.map(Wire.query) ?? ""
        let path = try Requests.path(Self.collection, input) + "/input_items" + (query.isEmpty ? "" : "?" + query)
        let body = try await answer(to: requests.get(path), operation)
        guard try Responses.object(body)["data"]?.array != nil else { throw Responses.malformed("has no data") }
        return .bytes(body)
    }

    func cancelResponse(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let path = try Requests.path(Self.collection, input) + "/cancel"
        let body = try given(try await answer(to: requests.act(path), operation))
        _ = try Responses.object(body, id: try Requests.id(of: input))
        return .bytes(body)
    }

    func deleteResponse(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        try await delete(Self.kind, Self.collection, input, operation)
        try operation.forget(kind: Self.kind, id: try Requests.id(of: input))
        return .done
    }

    /// Gives the client the events of an answer as they come; the first one is looked at before.
    private nonisolated(nonsending) func stream(
        _ request: HTTPRequest,
        _ operation: Operation,
        first: (Chunk) throws(Failure) -> Void
    ) async throws(Failure) -> OperationResult {
        let response = try await send(request, operation)
        guard response.isSuccess else { throw Failures.failure(response, try await response.body()) }
        var stream = ResponseStream()
        while let sent = try await response.next() {
            guard let event = try given(sent) else { continue }
            if stream.isEmpty { try first(event) }
            stream.note(event)
            try operation.output(event.data, event: event.event)
        }
        try stream.checkEnd()
        return .done
    }

    /// The body of a success as the client gets it.
    private func given(_ body: [UInt8], _ count: Hooks.Count? = nil) throws(Failure) -> [UInt8] {
        try hooks?.given(body, .responses, count: count) ?? body
    }

    /// The event of a stream as the client gets it; nil for none.
    private func given(_ event: Chunk) throws(Failure) -> Chunk? {
        guard let hooks else { return event }
        return try hooks.given(event, .responses)
    }

    /// Has the host write down a response; one that the provider does not keep has an id all the same.
    private func remember(_ response: JSON, _ operation: Operation) throws(Failure) {
        let isKept = provider.keepsResponses && response["store"]?.bool ?? true
        // Some providers have no id for what they do not keep: then there is nothing to put another in the place of.
        if !isKept, response["id"]?.isNull ?? true { return }
        try operation.remember(kind: isKept ? Self.kind : "unstored_response", id: try Responses.id(of: response))
    }
}
