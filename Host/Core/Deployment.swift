/// One entry of `model_list`: one model at one provider's account.
package struct Deployment: Hashable, Sendable {
    package let id: DeploymentID
    /// What clients call the model.
    package let modelName: String
    /// `litellm_params.model` as it was written, such as `vertex_ai/gemini-2.0-flash`.
    package let configuredModel: String
    /// The model's name at the provider, without the provider prefix.
    package let upstreamModel: String
    /// The id of the plugin that serves this deployment.
    package let plugin: String
    /// Its share of the group's requests; at least 1.
    package let weight: Int
    /// The longest one operation may take.
    package let timeout: Duration
    /// As many operations may run at the same time while more wait; nil for any number.
    package let maximumParallel: Int?

    /// Makes a deployment.
    package init(
        id: DeploymentID,
        modelName: String,
        configuredModel: String,
        upstreamModel: String,
        plugin: String,
        weight: Int,
        timeout: Duration,
        maximumParallel: Int? = nil
    ) {
        self.id = id
        self.modelName = modelName
        self.configuredModel = configuredModel
        self.upstreamModel = upstreamModel
        self.plugin = plugin
        self.weight = weight
        self.timeout = timeout
        self.maximumParallel = maximumParallel
    }
}
