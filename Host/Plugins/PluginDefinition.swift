import HostCore

/// One manifest, with the paths resolved.
package struct PluginDefinition: Sendable, Equatable {
    package let id: String
    package let version: String
    package let manifestPath: String
    package let libraryPath: String
    /// Lower-case hexadecimal; nil if the manifest does not pin one.
    package let sha256: String?
    private let reach: ManifestReach
    package let configuration: [String: ConfigurationValue]
    /// The manifest's own secrets by name.
    package let secrets: [String: String]
    /// What its workers may use; nil if its code runs inside of this process.
    package let limits: PluginLimits?

    /// Makes a definition.
    ///
    /// - Parameters:
    ///   - id: The plugin's id.
    ///   - version: The library's version.
    ///   - manifestPath: The manifest, for messages.
    ///   - libraryPath: The library.
    ///   - sha256: Lower-case hexadecimal; nil if the manifest does not pin one.
    ///   - allowsHost: Whether the manifest's `hosts` include a scheme, a host and a port.
    ///   - configuration: What the instance is made with.
    ///   - secrets: The manifest's own secrets by name.
    ///   - limits: What its workers may use; nil if its code runs inside of this process.
    ///   - hosts: The manifest's `hosts` as texts, by which a change of them is seen.
    package init(
        id: String,
        version: String,
        manifestPath: String,
        libraryPath: String,
        sha256: String?,
        allowsHost: @escaping @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool,
        configuration: [String: ConfigurationValue],
        secrets: [String: String],
        limits: PluginLimits? = nil,
        hosts: [String] = []
    ) {
        self.id = id
        self.version = version
        self.manifestPath = manifestPath
        self.libraryPath = libraryPath
        self.sha256 = sha256
        reach = ManifestReach(hosts: hosts, allows: allowsHost)
        self.configuration = configuration
        self.secrets = secrets
        self.limits = limits
    }

    /// Whether the manifest's `hosts` include a scheme, a host and a port.
    package var allowsHost: @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool { reach.allows }

    /// The files that it was made of, besides what the rest of it says.
    var files: [String] { [manifestPath, libraryPath] }
}

/// A manifest's hosts; two are equal if they were written alike.
private struct ManifestReach: Sendable, Equatable {
    let hosts: [String]
    let allows: @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool

    static func == (left: Self, right: Self) -> Bool { left.hosts == right.hosts }
}

/// One deployment with what its plugin has to know.
package struct TargetDefinition: Sendable {
    package let deployment: Deployment
    /// `litellm_params` without what the host keeps for itself.
    package let parameters: [String: ConfigurationValue]
    /// Where in the configuration it stands, for messages.
    package let location: String
    /// Why it cannot be served whatever its plugin says; nil if it can.
    package let refusal: String?

    /// Makes a definition.
    package init(
        deployment: Deployment,
        parameters: [String: ConfigurationValue],
        location: String,
        refusal: String? = nil
    ) {
        self.deployment = deployment
        self.parameters = parameters
        self.location = location
        self.refusal = refusal
    }

    var gateLimits: GateLimits { GateLimits(running: deployment.maximumParallel) }
}
