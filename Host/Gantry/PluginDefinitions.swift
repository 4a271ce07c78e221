import FoundationEssentials
import HostConfig
import HostCore
import HostPlugins

/// The manifests and deployments as the plugin host wants them.
struct PluginDefinitions {
    let plan: PluginPlan
    /// Where each library was looked for.
    let libraryPaths: [String]

    /// Finds each manifest's library.
    init(_ configuration: GatewayConfiguration, manifestFolder: String) {
        var paths: [String] = []
        let plugins = configuration.plugins.map { manifest in
            let places = Self.places(of: manifest.library, manifestFolder: manifestFolder)
            paths += places
            return PluginDefinition(
                id: manifest.id,
                version: manifest.version,
                manifestPath: manifest.file,
                libraryPath: places.first { FileManager.default.fileExists(atPath: $0) } ?? places[0],
                sha256: manifest.sha256,
                allowsHost: { scheme, host, port in
                    manifest.hosts.contains { $0.matches(scheme: scheme, host: host, port: port) }
                },
                configuration: manifest.configuration,
                secrets: manifest.secrets,
                limits: manifest.isolation == .process ? manifest.limits : nil,
                hosts: manifest.hosts.map(\.description)
            )
        }
        libraryPaths = paths
        plan = PluginPlan(
            plugins: plugins,
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
    private static func places(of library: String, manifestFolder: String) -> [String] {
        guard !library.hasPrefix("/") else { return [library] }
        let beside = "\(manifestFolder)/\(library)"
        guard let executable = executablePath(), let end = executable.lastIndex(of: "/") else { return [beside] }
        return [beside, "\(executable[..<end])/\(library)"]
    }

    private static func executablePath() -> String? {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            return CommandLine.arguments.first
        }
    }
}
