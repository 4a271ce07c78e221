import HostCore

/// What a manifest says of its provider where the library serves many of them.
package struct ProviderProfile: Sendable, Hashable {
    /// The id that the library gives itself.
    package let adapter: String
    /// What the provider has; the library may serve more.
    package let operations: Set<OperationKind>
    /// The parameters of a deployment whose values the plugin does not see.
    package let secretParameters: [String]
    /// Environment variables by the parameter that each fills if it is absent.
    package let variables: [String: String]
    /// Purposes whose files the provider gives back, `*` for all; nil for those that the library says.
    package let contentPurposes: [String]?

    /// Makes a profile.
    package init(
        adapter: String,
        operations: Set<ProviderOperation>,
        secretParameters: [String],
        variables: [String: String] = [:],
        contentPurposes: [String]? = nil
    ) {
        self.adapter = adapter
        self.operations = Set(operations.map(OperationKind.init))
        self.secretParameters = secretParameters
        self.variables = variables
        self.contentPurposes = contentPurposes
    }
}

extension PluginDescription {
    /// The same library as its instance for one provider describes itself.
    ///
    /// No variable of the library's own fills a parameter then: the key of one provider must not reach another.
    func adapted(to profile: ProviderProfile) -> PluginDescription {
        var parameters: [String: Parameter] = [:]
        parameters["api_base"] = Parameter(.endpoint, environmentVariable: profile.variables["api_base"])
        for name in profile.secretParameters {
            parameters[name] = Parameter(.secret, environmentVariable: profile.variables[name])
        }
        return PluginDescription(
            parameters: parameters,
            configuration: [:],
            contentPurposes: profile.contentPurposes.map { Set($0) } ?? contentPurposes,
            lostFiles: lostFiles
        )
    }
}

extension OperationKind {
    /// The kind by which a plugin is asked for an operation.
    package init(_ operation: ProviderOperation) {
        self =
            switch operation {
            case .chat: .chat
            case .embeddings: .embed
            case .models: .probe
            case .responsesCreate: .responses
            case .responsesRetrieve: .responseGet
            case .responsesDelete: .responseDelete
            case .responsesCancel: .responseCancel
            case .responsesInputItems: .responseItems
            case .filesCreate: .fileCreate
            case .filesRetrieve: .fileGet
            case .filesDelete: .fileDelete
            case .filesList: .fileList
            case .filesContent: .fileContent
            case .batchesCreate: .batchCreate
            case .batchesRetrieve: .batchGet
            case .batchesCancel: .batchCancel
            case .batchesList: .batchList
            case .fineTuningCreate: .tuneCreate
            case .fineTuningRetrieve: .tuneGet
            case .fineTuningCancel: .tuneCancel
            case .fineTuningList: .tuneList
            case .fineTuningEvents: .tuneEvents
            case .fineTuningCheckpoints: .tuneCheckpoints
            case .fineTuningPause: .tunePause
            case .fineTuningResume: .tuneResume
            }
    }
}
