import FoundationEssentials
import HostConfig
import HostCore
import HostPlugins

/// The manifests and deployments as the plugin host wants them.
struct PluginDefinitions {
    let plugins: [PluginDefinition]
    let targets: [TargetDefinition]

    /// Finds each manifest's library.
    init(_ configuration: GatewayConfiguration, manifestFolder: String) {
        plugins = configuration.plugins.map { manifest in
            PluginDefinition(
                id: manifest.id,
                version: manifest.version,
                manifestPath: manifest.file,
                libraryPath: Self.find(manifest.library, manifestFolder: manifestFolder),
                sha256: manifest.sha256,
                allowsHost: { scheme, host, port in
                    manifest.hosts.contains { $0.matches(scheme: scheme, host: host, port: port) }
                },
                configuration: manifest.configuration,
                secrets: manifest.secrets,
                limits: manifest.isolation == .process ? manifest.limits : nil
            )
        }
        targets = configuration.deployments.map { deployment in
            TargetDefinition(
                deployment: deployment.deployment,
                parameters: deployment.parameters,
                location: "\(deployment.source)"
            )
        }
    }

    /// A line for every plugin and every deployment.
    var report: String {
        let lines =
            plugins.map { "plugin \($0.id) \($0.version): \($0.libraryPath)" }
            + targets.map { target in
                let deployment = target.deployment
                return "deployment \(deployment.id): \(deployment.modelName) -> \(deployment.configuredModel) "
                    + "(plugin \(deployment.plugin))"
            }
        return (lines + ["ok"]).joined(separator: "\n")
    }

    /// A library that is not named by an absolute path lies beside its manifest, else beside the executable.
    private static func find(_ library: String, manifestFolder: String) -> String {
        guard !library.hasPrefix("/") else { return library }
        let beside = "\(manifestFolder)/\(library)"
        guard !FileManager.default.fileExists(atPath: beside), let executable = executablePath(),
            let end = executable.lastIndex(of: "/")
        else { return beside }
        return "\(executable[..<end])/\(library)"
    }

    private static func executablePath() -> String? {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            return CommandLine.arguments.first
        }
    }
}
