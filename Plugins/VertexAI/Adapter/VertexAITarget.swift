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
        case .responses:
            return try await responses(operation)
        case .fileCreate, .fileGet, .fileDelete, .fileList, .fileContent:
            return try await file(operation)
        default:
            throw Failure(.unsupported, "The vertex_ai plugin does not serve this operation.", mayFallBack: true)
        }
    }

    private nonisolated(nonsending) func file(_ operation: Operation) async throws(Failure) -> OperationResult {
        guard let storageSettings = settings.storage else {
            throw Failure(
                .unsupported,
                "This Vertex AI deployment keeps no files: set gcs_bucket_name (or GCS_BUCKET_NAME) to a bucket.",
                parameter: "gcs_bucket_name"
            )
        }
        let input = try operation.inputJSON()
        let storage = CloudStorage(
            settings: storageSettings,
            operation: operation,
            sender: AuthorizedSender(
                operation: operation,
                quotaProject: settings.credentials.quotaProjectID,
                isAnonymous: storageSettings.isAnonymous
            ),
            host: host
        )
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
