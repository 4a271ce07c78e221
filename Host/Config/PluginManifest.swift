import HostCore

/// One file of `plugins.d`: a library or a provider that needs none of its own, who it serves and what it may reach.
package struct PluginManifest: Sendable, Hashable {
    /// Where a plugin's code runs.
    package enum Isolation: String, Sendable {
        case inProcess = "in_process"
        case process
    }

    /// 1 to 64 of `a-z`, `0-9`, `_` and `-`; must equal what the library says.
    package let id: String
    /// Must equal what the library says; of a provider without a library of its own, the manifest's alone.
    package let version: String
    /// The library as written: a name, or a relative or absolute path.
    package let library: String
    /// The provider, if its library is the one for all that speak OpenAI's wire format.
    package let wire: WireProvider?
    /// The prefixes of `litellm_params.model` that this plugin serves.
    package let providers: [String]
    /// The only places that its requests may go to, besides a deployment's own endpoints.
    package let hosts: [HostPattern]
    /// What its instance is made with, `os.environ/NAME` replaced.
    package let configuration: [String: ConfigurationValue]
    /// Secrets by name.
    package let secrets: [String: String]
    /// The environment variables that its library may name to fill parameters, if it runs in workers.
    package let environment: Set<String>
    /// Plain C functions; nil if the manifest has none.
    package let functions: PluginFunctions?
    /// 64 lower-case hexadecimal digits; nil if the library is not pinned.
    package let sha256: String?
    package let isolation: Isolation
    /// What its workers may use, if it runs in any.
    package let limits: PluginLimits
    /// The manifest's path: the directory as the loader was given it, and the file's name.
    package let file: String
    /// The file's bytes, which all of this was read from: what a signature of it is about.
    package let bytes: [UInt8]
    /// Where its `id` stands.
    package let location: SourceLocation

    /// Makes a manifest.
    package init(
        id: String,
        version: String,
        library: String,
        wire: WireProvider? = nil,
        providers: [String],
        hosts: [HostPattern],
        configuration: [String: ConfigurationValue],
        secrets: [String: String],
        environment: Set<String> = [],
        functions: PluginFunctions? = nil,
        sha256: String?,
        isolation: Isolation,
        limits: PluginLimits = PluginLimits(),
        file: String,
        bytes: [UInt8],
        location: SourceLocation
    ) {
        self.id = id
        self.version = version
        self.library = library
        self.wire = wire
        self.providers = providers
        self.hosts = hosts
        self.configuration = configuration
        self.secrets = secrets
        self.environment = environment
        self.functions = functions
        self.sha256 = sha256
        self.isolation = isolation
        self.limits = limits
        self.file = file
        self.bytes = bytes
        self.location = location
    }
}
