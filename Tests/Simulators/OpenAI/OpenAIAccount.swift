/// What one account can ask a model: the endpoints that batches serve, too.
struct OpenAIAccount: Sendable {
    static let endpoints = ["/v1/responses", "/v1/chat/completions", "/v1/embeddings"]

    let name: String
    let files: OpenAIFiles
    let jobs: OpenAIRecords<FineTuningJob>
    let responses: OpenAIResponses
    let clock: SimulatedClock

    /// Answers a request to one of ``endpoints``.
    func reply(to endpoint: String, _ json: JSON) throws -> Reply {
        switch endpoint {
        case "/v1/chat/completions": try ChatCompletion(account: self).reply(to: json)
        case "/v1/embeddings": try Embeddings.reply(to: json, account: self)
        default: try responses.create(json, for: self)
        }
    }

    /// The model of that name, which may be one that the account has made.
    ///
    /// - Throws: ``OpenAIError`` 404, `model_not_found`.
    func model(_ name: String) throws -> OpenAIModel {
        if let model = knownModel(name) { return model }
        let message = "The model `\(name)` does not exist or you do not have access to it."
        throw OpenAIError(status: 404, message: message, code: "model_not_found")
    }

    /// The model of that name, nil if the account knows none.
    func knownModel(_ name: String) -> OpenAIModel? { OpenAIModel.named(name) ?? tunedModel(name) }

    /// The answer to `GET /v1/models`.
    var models: JSON {
        let tuned = jobs.all(of: name).compactMap { job in job.fineTunedModel.flatMap(tunedModel) }
        return ["object": "list", "data": .array((OpenAIModel.all + tuned).map(\.json))]
    }

    private func tunedModel(_ model: String) -> OpenAIModel? {
        guard model.hasPrefix("ft:") else { return nil }
        let job = jobs.all { $0.account == name && $0.models.contains(model) }.first
        return job.map {
            OpenAIModel(name: model, snapshot: model, kind: .chat, createdAt: $0.createdAt, owner: $0.organization)
        }
    }
}
