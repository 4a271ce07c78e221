import GantryPlugin

/// Fine-tuning jobs.
extension OpenAITarget {
    private static let collection = "/fine_tuning/jobs"
    private static let largestPage: Int64 = 100
    private static let members = [
        "training_file", "validation_file", "method", "hyperparameters", "seed", "suffix", "integrations",
    ]

    func createJob(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        guard let model else {
            throw Failure(.unsupported, "The deployment says no `model` that could be fine-tuned.", parameter: "model")
        }
        var body = JSONObject()
        body["model"] = .string(model)
        for member in Requests.members(Self.members, of: input).object?.members ?? [] {
            body[member.name] = member.value
        }
        body["metadata"] = try JobName.add(to: input)
        let request = requests.create(Self.collection, .object(body))
        let answer = try Responses.object(try await answer(to: request, operation))
        try operation.remember(kind: "job", id: try Responses.id(of: answer))
        return try Self.result(answer)
    }

    func getJob(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        return try await job(requests.get(try Requests.path(Self.collection, input)), input, operation)
    }

    /// Cancels, pauses or resumes a job.
    func act(_ action: String, _ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let path = try Requests.path(Self.collection, input) + "/" + action
        return try await job(requests.act(path), input, operation)
    }

    /// Finds the jobs of a name.
    func listJobs(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let search = try JobName.Search(input)
        let path = Requests.page(Self.collection, limit: Self.largestPage, after: input["after"])
        let page = try Responses.object(try await answer(to: requests.get(path), operation))
        return .json(try Responses.matches(in: page, since: search.since, where: search.fits))
    }

    /// The events or the checkpoints of a job.
    func listOfJob(_ kind: String, _ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let path = Requests.page(
            try Requests.path(Self.collection, input) + "/" + kind,
            limit: input["limit"]?.integer,
            after: input["after"]
        )
        let page = try Responses.object(try await answer(to: requests.get(path), operation))
        guard let data = page["data"], data.array != nil else { throw Responses.malformed("has no data") }
        return .json(["data": data, "has_more": .bool(page["has_more"]?.bool ?? false)])
    }

    private nonisolated(nonsending) func job(
        _ request: HTTPRequest,
        _ input: JSON,
        _ operation: Operation
    ) async throws(Failure) -> OperationResult {
        let body = try await answer(to: request, operation)
        return try Self.result(try Responses.object(body, id: try Requests.id(of: input)))
    }

    private static func result(_ answer: JSON) throws(Failure) -> OperationResult {
        .json(JobName.remove(from: try Responses.described(answer)))
    }
}
