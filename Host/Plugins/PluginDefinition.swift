import HostCore

/// One manifest, with the paths resolved.
package struct PluginDefinition: Sendable, Equatable {
    package let id: String
    package let version: String
    package let manifestPath: String
    /// The manifest's bytes that the rest was read from.
    package let manifest: [UInt8]
    package let libraryPath: String
    /// Lower-case hexadecimal; nil if the manifest does not pin one.
    package let sha256: String?
    private let reach: ManifestReach
    package let configuration: [String: ConfigurationValue]
    /// The manifest's own secrets by name.
    package let secrets: [String: String]
    /// The environment variables that the library may name to fill parameters, if it is its own and runs in workers.
    package let environment: Set<String>
    /// What its workers may use; nil if its code runs inside of this process.
    package let limits: PluginLimits?
    /// What the manifest says of its provider; nil if the library is for that one alone.
    package let profile: ProviderProfile?
    /// Plain C functions; nil if the manifest has none.
    package let functions: FunctionsDefinition?
    /// Whose plugins are opened; nil for all.
    package let trust: TrustPolicy?

    /// Whether the library is the manifest's own, and none of the host's adapters.
    package var namesLibrary: Bool { profile == nil }

    /// The libraries that a signature of the manifest is about, as paths.
    ///
    /// The adapter of a manifest that names no library is the host's, and changes with the host.
    package var signedLibraries: [PluginSignature.Part: String] {
        var libraries: [PluginSignature.Part: String] = [:]
        if namesLibrary { libraries[.library] = libraryPath }
        libraries[.functionsLibrary] = functions?.libraryPath
        return libraries
    }

    /// Makes a definition.
    ///
    /// - Parameters:
    ///   - id: The plugin's id.
    ///   - version: The library's version.
    ///   - manifestPath: The manifest, for messages.
    ///   - manifest: The manifest's bytes.
    ///   - libraryPath: The library.
    ///   - sha256: Lower-case hexadecimal; nil if the manifest does not pin one.
    ///   - allowsHost: Whether the manifest's `hosts` include a scheme, a host and a port.
    ///   - configuration: What the instance is made with.
    ///   - secrets: The manifest's own secrets by name.
    ///   - environment: The environment variables that the library may name, if it is its own and runs in workers.
    ///   - limits: What its workers may use; nil if its code runs inside of this process.
    ///   - hosts: The manifest's `hosts` as texts, by which a change of them is seen.
    ///   - profile: What the manifest says of its provider; nil if the library is for that one alone.
    ///   - functions: Plain C functions; nil if the manifest has none.
    ///   - trust: Whose plugins are opened; nil for all.
    package init(
        id: String,
        version: String,
        manifestPath: String,
        manifest: [UInt8] = [],
        libraryPath: String,
        sha256: String?,
        allowsHost: @escaping @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool,
        configuration: [String: ConfigurationValue],
        secrets: [String: String],
        environment: Set<String> = [],
        limits: PluginLimits? = nil,
        hosts: [String] = [],
        profile: ProviderProfile? = nil,
        functions: FunctionsDefinition? = nil,
        trust: TrustPolicy? = nil
    ) {
        self.id = id
        self.version = version
        self.manifestPath = manifestPath
        self.manifest = manifest
        self.libraryPath = libraryPath
        self.sha256 = sha256
        reach = ManifestReach(hosts: hosts, allows: allowsHost)
        self.configuration = configuration
        self.secrets = secrets
        self.environment = environment
        self.limits = limits
        self.profile = profile
        self.functions = functions
        self.trust = trust
    }

    /// Whether the manifest's `hosts` include a scheme, a host and a port.
    package var allowsHost: @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool { reach.allows }

    /// The only variables of the host that may fill its parameters; nil for all.
    ///
    /// Code inside of this process could read the environment anyway; the variables of a manifest that names no library
    /// are the manifest's own.
    var listedVariables: Set<String>? { limits != nil && namesLibrary ? environment : nil }

    /// The files that it was made of, besides what the rest of it says.
    var files: [String] {
        let libraries = [libraryPath, functions?.libraryPath].compactMap { $0 }
        return [manifestPath] + libraries + (trust == nil ? [] : [PluginSignature.path(ofManifest: manifestPath)])
    }
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
