import GantryPlugin

/// Google Vertex AI: Gemini models over `generateContent`, and Cloud Storage objects for files.
public struct VertexAIAdapter: Adapter {
    /// What the plugin serves and which parameters its deployments take.
    public static let description = PluginDescription(
        id: "vertex_ai",
        version: "1.0.0",
        operations: [
            .probe, .credential, .chat, .responses, .fileCreate, .fileGet, .fileDelete, .fileList, .fileContent,
        ] + jobOperations,
        speaksOpenAIWire: false,
        parameters: parameters,
        configuration: [],
        contentPurposes: ["*"],
        lostFiles: LostFiles.none
    )

    private static let jobOperations: [OperationKind] = [
        .inputCreate, .batchCreate, .batchGet, .batchCancel, .batchList, .batchResults,
        .tuneCreate, .tuneGet, .tuneCancel, .tuneList, .tuneEvents, .tuneCheckpoints,
    ]

    static let parameters: [ParameterDescription] = [
        ParameterDescription(name: "model", kind: .value, environmentVariable: nil),
        ParameterDescription(name: "vertex_project", kind: .value, environmentVariable: "GOOGLE_CLOUD_PROJECT"),
        ParameterDescription(name: "vertex_location", kind: .value, environmentVariable: nil),
        ParameterDescription(
            name: "vertex_credentials",
            kind: .credentials(
                members: ["private_key", "client_secret", "refresh_token"],
                endpoints: ["token_uri"]
            ),
            environmentVariable: "GOOGLE_APPLICATION_CREDENTIALS"
        ),
        ParameterDescription(name: "api_base", kind: .endpoint, environmentVariable: nil),
        ParameterDescription(name: "gcs_bucket_name", kind: .value, environmentVariable: "GCS_BUCKET_NAME"),
        ParameterDescription(name: "gcs_prefix", kind: .value, environmentVariable: nil),
        ParameterDescription(name: "gcs_api_base", kind: .endpoint, environmentVariable: "STORAGE_EMULATOR_HOST"),
        ParameterDescription(name: "metadata_host", kind: .endpoint, environmentVariable: "GCE_METADATA_HOST"),
        ParameterDescription(name: "safety_settings", kind: .value, environmentVariable: nil),
    ]

    static let parameterNames = parameters.map(\.name)

    private let host: Host
    private let buckets = KnownBuckets()

    /// Makes the instance of one manifest.
    ///
    /// - Parameters:
    ///   - configuration: The manifest's entry; the plugin has no settings of its own in it.
    ///   - host: The services of the host.
    /// - Throws: `.invalid` if there is a setting: it would be ignored.
    public init(configuration: JSON, host: Host) throws(Failure) {
        guard let members = configuration.object else {
            throw Failure(.invalid, "The configuration of the Vertex AI plugin is not a JSON object.")
        }
        if let unknown = members.names.first {
            throw Failure(
                .invalid,
                "Vertex AI takes no configuration; remove `\(unknown)`, or set it in the deployments.",
                parameter: unknown
            )
        }
        self.host = host
    }

    /// Checks one deployment's parameters.
    ///
    /// - Parameter parameters: An object with the members of ``description``'s parameters.
    /// - Returns: The deployment.
    /// - Throws: `.invalid` or `.unsupported`, naming the parameter.
    public func makeTarget(parameters: JSON) throws(Failure) -> VertexAITarget {
        let settings = try Settings(parameters: parameters)
        if let storage = settings.storage { buckets.add(storage.bucket) }
        return VertexAITarget(settings: settings, host: host, buckets: buckets)
    }
}
