import HostCore

/// One entry of `model_list`: what the host keeps of it, and what its plugin is given.
package struct DeploymentConfiguration: Sendable {
    package let deployment: Deployment
    /// `litellm_params` without what the host keeps, `os.environ/NAME` replaced; `model` is the upstream name.
    ///
    /// Some of these values are secrets.
    package let parameters: [String: ConfigurationValue]
    /// The entry.
    package let source: SourceLocation
    /// Where each of ``parameters`` stands.
    package let parameterLocations: [String: SourceLocation]

    /// Makes a deployment's configuration.
    package init(
        deployment: Deployment,
        parameters: [String: ConfigurationValue],
        source: SourceLocation,
        parameterLocations: [String: SourceLocation]
    ) {
        self.deployment = deployment
        self.parameters = parameters
        self.source = source
        self.parameterLocations = parameterLocations
    }
}
