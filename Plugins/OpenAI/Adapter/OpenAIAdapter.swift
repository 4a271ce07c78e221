import GantryPlugin

/// The adapter for OpenAI and for servers that speak its wire format.
public struct OpenAIAdapter: Adapter {
    /// What the plugin is and which parameters it takes.
    public static let description = PluginDescription(
        id: "openai",
        version: "1.0.0",
        operations: [
            .probe, .chat, .embed, .responses, .fileCreate, .fileGet, .fileDelete, .fileList, .fileContent,
            .batchCreate, .batchGet, .batchCancel, .batchList, .tuneCreate, .tuneGet, .tuneCancel, .tuneList,
            .tuneEvents, .tuneCheckpoints, .tunePause, .tuneResume, .responseGet, .responseDelete, .responseCancel,
            .responseItems,
        ],
        speaksOpenAIWire: true,
        parameters: [
            ParameterDescription(name: "api_key", kind: .secret, environmentVariable: "OPENAI_API_KEY"),
            ParameterDescription(name: "api_base", kind: .endpoint, environmentVariable: "OPENAI_BASE_URL"),
            ParameterDescription(name: "organization"),
            ParameterDescription(name: "project"),
        ],
        contentPurposes: ["batch", "fine-tune", "batch_output", "fine-tune-results"],
        lostFiles: .search
    )

    private let host: Host
    private let provider: Provider
    private let hooks: Hooks?

    /// Makes an instance: for OpenAI if the configuration is empty, else for the provider that it describes.
    public init(configuration: JSON, host: Host) throws(Failure) {
        self.host = host
        hooks = Hooks(host)
        provider = try Provider(configuration: configuration)
    }

    /// Makes a target and checks its parameters.
    public func makeTarget(parameters: JSON) throws(Failure) -> OpenAITarget {
        OpenAITarget(settings: try Settings(parameters, of: provider), provider: provider, hooks: hooks, host: host)
    }
}
