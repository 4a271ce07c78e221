import GantryPlugin

/// One deployment at OpenAI, or at a provider that speaks its wire format.
public struct OpenAITarget: AdapterTarget {
    let requests: Requests
    let host: Host
    let provider: Provider
    /// What the manifest binds; nil for nothing.
    let hooks: Hooks?
    /// The model's name at the provider, if the deployment says it.
    let model: String?

    init(settings: Settings, provider: Provider, hooks: Hooks?, host: Host) {
        model = settings.model
        requests = Requests(settings: settings)
        self.provider = provider
        self.host = host
        self.hooks = hooks
    }

    /// Gives the client the answers to its own requests as they come.
    public func relay(_ operation: Operation) throws(Failure) -> Relay? {
        if let hooks, hooks.readsAnswers(streaming: operation.isStreaming) { return nil }
        switch operation.kind {
        case .chat: return try relay(operation, to: requests.chat, .chat, editing: provider.quirks.chat)
        case .embed: return try relay(operation, to: requests.embeddings, .embeddings)
        default: return nil
        }
    }

    /// Runs one operation.
    public func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        switch operation.kind {
        case .chat:
            try await answerThroughHooks(operation, to: requests.chat, .chat, editing: provider.quirks.chat)
        case .embed: try await answerThroughHooks(operation, to: requests.embeddings, .embeddings)
        case .probe: try await probe(operation)
        case .fileCreate: try await createFile(operation)
        case .fileGet: try await getFile(operation)
        case .fileDelete: try await deleteFile(operation)
        case .fileList: try await listFiles(operation)
        case .fileContent: try await fileContent(operation)
        case .batchCreate: try await createBatch(operation)
        case .batchGet: try await getBatch(operation)
        case .batchCancel: try await cancelBatch(operation)
        case .batchList: try await listBatches(operation)
        case .tuneCreate: try await createJob(operation)
        case .tuneGet: try await getJob(operation)
        case .tuneCancel: try await act("cancel", operation)
        case .tunePause: try await act("pause", operation)
        case .tuneResume: try await act("resume", operation)
        case .tuneList: try await listJobs(operation)
        case .tuneEvents: try await listOfJob("events", operation)
        case .tuneCheckpoints: try await listOfJob("checkpoints", operation)
        case .responses: try await createResponse(operation)
        case .responseGet: try await getResponse(operation)
        case .responseItems: try await responseItems(operation)
        case .responseCancel: try await cancelResponse(operation)
        case .responseDelete: try await deleteResponse(operation)
        default:
            throw Failure(.unsupported, "The openai plugin does not serve this operation.")
        }
    }

    private func probe(_ operation: Operation) async throws(Failure) -> OperationResult {
        _ = try await answer(to: requests.get("/models"), operation)
        return .done
    }

    /// Sends the client's request with the resolved places replaced.
    private func relay(
        _ operation: Operation,
        to request: HTTPRequest,
        _ name: Hooks.Name,
        editing edits: ChatEdits? = nil
    ) throws(Failure) -> Relay {
        let request = try signed(try filled(request, operation, name, editing: edits).request)
        return Relay(request) { (response) async throws(Failure) in
            Failures.failure(response, try await response.body())
        }
    }

    /// Asks for something and reads the answer.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - operation: Which sends it.
    /// - Returns: The answer's body.
    /// - Throws: ``Failure``, also for a refusal.
    nonisolated(nonsending) func answer(
        to request: HTTPRequest,
        _ operation: Operation
    ) async throws(Failure) -> [UInt8] {
        let response = try await send(request, operation)
        let body = try await response.body()
        guard response.isSuccess else { throw Failures.failure(response, body) }
        return body
    }

    /// Deletes something; what is not there counts as deleted.
    ///
    /// - Parameters:
    ///   - kind: What it is called.
    ///   - collection: The path of all such things.
    ///   - input: Names it by its id.
    ///   - operation: Which asks for it.
    /// - Throws: ``Failure``, also if it is still there.
    nonisolated(nonsending) func delete(
        _ kind: String,
        _ collection: String,
        _ input: JSON,
        _ operation: Operation
    ) async throws(Failure) {
        let path = try Requests.path(collection, input)
        let response = try await send(requests.delete(path), operation)
        let body = try await response.body()
        guard response.isSuccess || response.status == 404 else { throw Failures.failure(response, body) }
        if response.isSuccess, try Responses.object(body)["deleted"]?.bool == false {
            throw Failure(.conflict, "The provider has not deleted the \(kind); try again later.", isRetryable: true)
        }
    }
}
