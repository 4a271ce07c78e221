import ArgumentParser
import HostConfig
import HostPlugins

/// Where the manifests are, and whose plugins are opened.
struct PluginFolderOptions: ParsableArguments {
    @Option(help: "The folder of plugin manifests.")
    var plugins = "plugins.d"

    @Option(help: "The configuration whose plugin_settings.trust is to hold; without it everything is trusted.")
    var config: String?

    /// Every manifest of the folder.
    func manifests() throws(ConfigurationError) -> [ManifestFile] { try loader.manifestFiles(in: plugins) }

    /// What the host would open for a manifest.
    func definition(_ manifest: PluginManifest, trust: TrustPolicy? = nil) -> PluginDefinition {
        PluginDefinitions.definition(manifest, manifestFolder: plugins, trust: trust)
    }

    /// Whose plugins are opened; nil for all.
    func trust() throws -> TrustPolicy? {
        try config.flatMap { path in
            try PluginDefinitions.trust(try loader.pluginSettings(configurationFile: path))
        }
    }

    private var loader: ConfigurationLoader { ConfigurationLoader(environment: ConfigurationOptions.environment) }
}
