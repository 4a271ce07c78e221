import GantryPlugin

/// Batches.
extension OpenAITarget {
    private static let collection = "/batches"
    private static let largestPage: Int64 = 100
    /// What OpenAI takes of what the host says; the batch has no other name there than its input file.
    private static let members = [
        "input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after",
    ]

    func createBatch(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let request = requests.create(Self.collection, Requests.members(Self.members, of: input))
        let answer = try Responses.object(try await answer(to: request, operation))
        try operation.remember(kind: "batch", id: try Responses.id(of: answer))
        return .json(try Responses.described(answer))
    }

    func getBatch(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        return try await batch(requests.get(try Requests.path(Self.collection, input)), input, operation)
    }

    func cancelBatch(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        return try await batch(requests.act(try Requests.path(Self.collection, input) + "/cancel"), input, operation)
    }

    /// Finds the batches of an input file, which is made for one batch alone.
    func listBatches(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let file = try Requests.text("input_file_id", of: input)
        let since = try Requests.since(of: input)
        let path = Requests.page(Self.collection, limit: Self.largestPage, after: input["after"])
        let page = try Responses.object(try await answer(to: requests.get(path), operation))
        return .json(try Responses.matches(in: page, since: since) { $0["input_file_id"]?.string == file })
    }

    private nonisolated(nonsending) func batch(
        _ request: HTTPRequest,
        _ input: JSON,
        _ operation: Operation
    ) async throws(Failure) -> OperationResult {
        let body = try await answer(to: request, operation)
        let answer = try Responses.object(body, id: try Requests.id(of: input))
        return .json(try Responses.described(answer))
    }
}
