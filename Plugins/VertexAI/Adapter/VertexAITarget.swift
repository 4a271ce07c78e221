import GantryPlugin

/// One deployment: a Gemini model of a project, and the bucket for its files.
public struct VertexAITarget: AdapterTarget {
    let settings: Settings
    let host: Host
    let buckets: KnownBuckets

    /// Runs one operation.
    ///
    /// - Parameter operation: What the host asks.
    /// - Returns: The operation's result by the table in `gantry_plugin.h`.
    /// - Throws: The class and the text of what went wrong, for the client.
    public nonisolated(nonsending) func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        switch operation.kind {
        case .probe:
            // Where there is a token, project and credentials are in order; a call to the model would cost money.
            _ = try await operation.token(scope: Wire.cloudPlatformScope)
            return .done
        case .credential:
            let scope = try operation.inputJSON()["scope"]?.string ?? ""
            return try await TokenExchange(credentials: settings.credentials, host: host)
                .token(scope: scope, over: operation)
        case .chat:
            return try await chat(operation)
        case .fileCreate, .fileGet, .fileDelete, .fileList, .fileContent:
            return try await file(operation)
        case .inputCreate:
            return .json(try await inputCreation(operation))
        case .batchCreate, .batchGet, .batchCancel, .batchList, .batchResults:
            return .json(try await batch(operation))
        case .tuneCreate, .tuneGet, .tuneCancel, .tuneList, .tuneEvents, .tuneCheckpoints:
            return .json(try await tuning(operation))
        default:
            throw Failure(.unsupported, "The vertex_ai plugin does not serve this operation.", mayFallBack: true)
        }
    }

    private nonisolated(nonsending) func chat(_ operation: Operation) async throws(Failure) -> OperationResult {
        let model = try settings.model(named: operation.references)
        let request = try ChatRequest(
            operation.inputJSON(),
            references: operation.references,
            settings: settings,
            buckets: buckets.names
        )
        let isStreaming = operation.isStreaming
        let method = isStreaming ? "streamGenerateContent" : "generateContent"
        let call = HTTPRequest(
            method: "POST",
            url: settings.modelURL(method: method, model: model) + (isStreaming ? "?alt=sse" : ""),
            headers: [Header("Content-Type", "application/json")],
            body: [.bytes(request.body.serialized())],
            framing: isStreaming ? .serverSentEvents : .whole
        )
        let sender = AuthorizedSender(operation: operation, quotaProject: settings.credentials.quotaProjectID)
        let response = try await sender.send(call)
        guard response.status == 200 else {
            let error = UpstreamError(
                status: response.status,
                headers: response.headers,
                body: try await response.body()
            )
            throw error.failure(service: Wire.providerName)
        }
        let identity = try identity()
        if isStreaming {
            return try await stream(response, request: request, identity: identity, to: operation)
        }
        guard let document = Wire.document(try await response.body()) else {
            throw Failure(.upstreamProtocol, "\(Wire.providerName)'s answer is not JSON.", mayFallBack: true)
        }
        let answer = try ChatAnswer(document, identity: identity)
        if let usage = answer.usage { try operation.usage(usage) }
        return .json(answer.body)
    }

    private nonisolated(nonsending) func stream(
        _ response: HTTPResponse,
        request: ChatRequest,
        identity: AnswerIdentity,
        to operation: Operation
    ) async throws(Failure) -> OperationResult {
        var stream = ChatStream(identity: identity, includesUsage: request.includesUsage)
        while let event = try await response.next() {
            guard !event.data.isEmpty else { continue }
            for chunk in try stream.consume(event.data) { try operation.output(chunk.serialized()) }
        }
        for chunk in try stream.finish() { try operation.output(chunk.serialized()) }
        if let usage = stream.usage { try operation.usage(usage.json) }
        return .done
    }

    private func identity() throws(Failure) -> AnswerIdentity {
        AnswerIdentity(
            created: Int64(clamping: host.nowMilliseconds / 1000),
            model: settings.model,
            uniqueText: Wire.hexadecimalText(try host.random(count: 12))
        )
    }

    /// The deployment's bucket.
    func cloudStorage(for operation: Operation) throws(Failure) -> CloudStorage {
        guard let storageSettings = settings.storage else {
            throw Failure(
                .unsupported,
                "This Vertex AI deployment keeps no files: set gcs_bucket_name (or GCS_BUCKET_NAME) to a bucket.",
                parameter: "gcs_bucket_name"
            )
        }
        return CloudStorage(
            settings: storageSettings,
            operation: operation,
            sender: AuthorizedSender(
                operation: operation,
                quotaProject: settings.credentials.quotaProjectID,
                isAnonymous: storageSettings.isAnonymous
            ),
            host: host
        )
    }

    private nonisolated(nonsending) func file(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let storage = try cloudStorage(for: operation)
        switch operation.kind {
        case .fileCreate: return .json(try await storage.create(NewFile(input, sourceLength: operation.sourceLength)))
        case .fileGet: return .json(try await storage.get(id: input["id"]?.string ?? ""))
        case .fileDelete: return .json(try await storage.delete(id: input["id"]?.string ?? ""))
        case .fileList:
            return .json(try await storage.list(limit: input["limit"]?.integer, after: input["after"]?.string))
        default:
            try await storage.content(id: input["id"]?.string ?? "", range: input["range"]?.string)
            return .done
        }
    }
}
