import ArgumentParser
import HostConfig
import HostPlugins

/// Where the manifests are, and whose plugins are opened.
struct PluginFolderOptions: ParsableArguments {
    @Option(help: "The folder of plugin manifests.")
    var plugins = "plugins.d"

    @Option(
        help:
            "The configuration, whose plugin_settings.trust and environment_variables hold; without it all is trusted."
    )
    var config: String?

    /// Whose plugins are opened; nil for all.
    func trust() throws -> TrustPolicy? { try Self.trust(config) }

    /// Whose plugins are opened by a configuration; nil for all.
    static func trust(_ config: String?) throws -> TrustPolicy? {
        guard let config else { return nil }
        let loader = ConfigurationLoader(environment: ConfigurationOptions.environment)
        return try PluginDefinitions.trust(try loader.pluginSettings(configurationFile: config))
    }
}
