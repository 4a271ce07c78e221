import GantryPlugin

/// Chat completions of a server that speaks OpenAI's wire format.
public struct ProviderAdapter: Adapter {
    /// What the plugin is and which parameters it takes; id and version stand in the manifest too.
    public static let description = PluginDescription(
        id: "acme",
        version: "0.1.0",
        operations: [.chat],
        speaksOpenAIWire: true,
        parameters: [
            ParameterDescription(
                name: "api_base",
                kind: .endpoint,
                environmentVariable: "ACME_API_BASE"
            ),
            ParameterDescription(
                name: "api_key",
                kind: .secret,
                environmentVariable: "ACME_API_KEY"
            ),
        ]
    )

    /// Makes an instance; the adapter has no configuration of its own.
    public init(configuration: JSON, host: Host) throws(Failure) {
        guard configuration.object?.names.isEmpty == true else {
            throw Failure(.invalid, "acme takes no `configuration`; remove it.")
        }
    }

    /// Makes a target and checks its parameters.
    public func makeTarget(parameters: JSON) throws(Failure) -> Deployment {
        try Deployment(parameters)
    }
}
