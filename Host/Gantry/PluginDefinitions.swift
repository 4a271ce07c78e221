import FoundationEssentials
import HostConfig
import HostCore
import HostPlugins

/// The manifests and deployments as the plugin host wants them.
struct PluginDefinitions {
    let plan: PluginPlan
    /// Where the libraries were looked for.
    let libraryPaths: [String]

    /// Finds each manifest's library.
    ///
    /// - Throws: ``StartupError`` if a key of `plugin_settings.trust` is none.
    init(_ configuration: GatewayConfiguration, manifestFolder: String) throws(StartupError) {
        let trust = try Self.trust(configuration.pluginSettings)
        libraryPaths = configuration.plugins.flatMap { manifest in
            [manifest.library, manifest.functions?.library].compactMap { $0 }
                .flatMap { Self.places(of: $0, manifestFolder: manifestFolder) }
        }
        plan = PluginPlan(
            plugins: configuration.plugins.map { manifest in
                Self.definition(manifest, manifestFolder: manifestFolder, trust: trust)
            },
            targets: configuration.deployments.map { deployment in
                TargetDefinition(
                    deployment: deployment.deployment,
                    parameters: deployment.parameters,
                    location: "\(deployment.source)",
                    refusal: deployment.refusal
                )
            },
            routing: configuration.routing,
            // Plugins never learn of the way to the providers, nor of a proxy's password.
            variables: ConfigurationOptions.environment.filter { !NetworkSettings.proxyVariables.contains($0.key) }
        )
    }

    /// What the plugin host has to know of a manifest.
    static func definition(
        _ manifest: PluginManifest,
        manifestFolder: String,
        trust: TrustPolicy?
    ) -> PluginDefinition {
        PluginDefinition(
            id: manifest.id,
            version: manifest.version,
            manifestPath: manifest.file,
            manifest: manifest.bytes,
            libraryPath: manifest.wire == nil
                ? find(manifest.library, manifestFolder: manifestFolder)
                : findAdapter(manifest.library, manifestFolder: manifestFolder),
            sha256: manifest.sha256,
            allowsHost: { scheme, host, port in
                manifest.hosts.contains { $0.matches(scheme: scheme, host: host, port: port) }
            },
            configuration: manifest.configuration,
            secrets: manifest.secrets,
            environment: manifest.environment,
            limits: manifest.isolation == .process ? manifest.limits : nil,
            hosts: manifest.hosts.map(\.description),
            profile: manifest.wire.map(ProviderProfile.init),
            functions: manifest.functions.map { functions in
                FunctionsDefinition(
                    libraryPath: find(functions.library, manifestFolder: manifestFolder),
                    sha256: functions.sha256,
                    bindings: functions.bindings
                )
            },
            trust: trust
        )
    }

    /// Whose plugins are opened; nil for all.
    static func trust(_ settings: PluginSettings) throws(StartupError) -> TrustPolicy? {
        guard let trust = settings.trust else { return nil }
        let keys = trust.keys.compactMap { PluginKey($0) }
        guard keys.count == trust.keys.count else {
            throw StartupError("plugin_settings.trust.keys: one of the keys is not of the form ed25519:BASE64.")
        }
        return TrustPolicy(keys: keys, hashes: trust.sha256)
    }

    /// A line for every plugin and every deployment.
    var report: String {
        let lines =
            plan.plugins.map { "plugin \($0.id) \($0.version): \($0.libraryPath)" }
            + plan.targets.map { target in
                let deployment = target.deployment
                return "deployment \(deployment.id): \(deployment.modelName) -> \(deployment.configuredModel) "
                    + "(plugin \(deployment.plugin))"
            }
        return (lines + ["ok"]).joined(separator: "\n")
    }

    /// A library that is not named by an absolute path lies beside its manifest, else beside the executable.
    private static func find(_ library: String, manifestFolder: String) -> String {
        let places = places(of: library, manifestFolder: manifestFolder)
        return places.first { FileManager.default.fileExists(atPath: $0) } ?? places[0]
    }

    /// The host's own adapter is the one that came with it: a file of its name in the folder does not take its place.
    private static func findAdapter(_ library: String, manifestFolder: String) -> String {
        let own = HostExecutable.beside(library)
        return FileManager.default.fileExists(atPath: own) ? own : find(library, manifestFolder: manifestFolder)
    }

    private static func places(of library: String, manifestFolder: String) -> [String] {
        guard !library.hasPrefix("/") else { return [library] }
        return ["\(manifestFolder)/\(library)", HostExecutable.beside(library)]
    }
}

extension ProviderProfile {
    /// A manifest's provider as the plugin host wants it.
    init(_ wire: WireProvider) {
        var variables: [String: String] = [:]
        variables["api_key"] = wire.apiKeyVariable
        variables["api_base"] = wire.apiBaseVariable
        self.init(
            adapter: WireProvider.adapter,
            operations: wire.operations,
            secretParameters: wire.secretParameters,
            variables: variables,
            contentPurposes: wire.quirks.contentPurposes
        )
    }
}
