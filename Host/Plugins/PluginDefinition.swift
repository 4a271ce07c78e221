import HostCore

/// One manifest, with the paths resolved.
package struct PluginDefinition: Sendable {
    package let id: String
    package let version: String
    package let manifestPath: String
    package let libraryPath: String
    /// Lower-case hexadecimal; nil if the manifest does not pin one.
    package let sha256: String?
    /// Whether the manifest's `hosts` include a scheme, a host and a port.
    package let allowsHost: @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool
    package let configuration: [String: ConfigurationValue]
    /// The manifest's own secrets by name.
    package let secrets: [String: String]
    /// What its workers may use; nil if its code runs inside of this process.
    package let limits: PluginLimits?

    /// Makes a definition.
    package init(
        id: String,
        version: String,
        manifestPath: String,
        libraryPath: String,
        sha256: String?,
        allowsHost: @escaping @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool,
        configuration: [String: ConfigurationValue],
        secrets: [String: String],
        limits: PluginLimits? = nil
    ) {
        self.id = id
        self.version = version
        self.manifestPath = manifestPath
        self.libraryPath = libraryPath
        self.sha256 = sha256
        self.allowsHost = allowsHost
        self.configuration = configuration
        self.secrets = secrets
        self.limits = limits
    }
}

/// One deployment with what its plugin has to know.
package struct TargetDefinition: Sendable {
    package let deployment: Deployment
    /// `litellm_params` without what the host keeps for itself.
    package let parameters: [String: ConfigurationValue]
    /// Where in the configuration it stands, for messages.
    package let location: String

    /// Makes a definition.
    package init(deployment: Deployment, parameters: [String: ConfigurationValue], location: String) {
        self.deployment = deployment
        self.parameters = parameters
        self.location = location
    }
}
