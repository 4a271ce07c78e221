import HostCore

/// One entry of `model_list`: what the host keeps of it, and what its plugin is given.
package struct DeploymentConfiguration: Sendable {
    package let deployment: Deployment
    /// `litellm_params` without what the host keeps, `os.environ/NAME` replaced; `model` is the upstream name.
    ///
    /// Some of these values are secrets.
    package let parameters: [String: ConfigurationValue]
    /// Why it cannot be served: its plugin's manifest is refused; nil if it can.
    package let refusal: String?
    /// The entry.
    package let source: SourceLocation
    /// Where each of ``parameters`` stands.
    package let parameterLocations: [String: SourceLocation]

    /// Makes a deployment's configuration.
    package init(
        deployment: Deployment,
        parameters: [String: ConfigurationValue],
        refusal: String? = nil,
        source: SourceLocation,
        parameterLocations: [String: SourceLocation]
    ) {
        self.deployment = deployment
        self.parameters = parameters
        self.refusal = refusal
        self.source = source
        self.parameterLocations = parameterLocations
    }
}

/// An entry of `model_list` that nobody serves at the moment.
package struct LeftOutDeployment: Sendable, Hashable {
    package let id: DeploymentID
    package let modelName: String
    /// One line: what is missing.
    package let reason: String
    /// The entry.
    package let location: SourceLocation
}
