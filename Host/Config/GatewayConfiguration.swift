import HostCore

/// Everything the gateway was told by its configuration file and `plugins.d`.
package struct GatewayConfiguration: Sendable {
    /// The entries of `model_list`, in the file's order; at least one, each id once.
    package let deployments: [DeploymentConfiguration]
    package let general: GeneralSettings
    /// `router_settings`.
    package let routing: RoutingRules
    package let network: NetworkSettings
    /// The enabled manifests, in the order of their file names; each id and each provider once.
    package let plugins: [PluginManifest]
    package let pluginSettings: PluginSettings
    /// What was accepted without having an effect, one line each, with its place.
    package let warnings: [String]

    /// Makes a configuration.
    package init(
        deployments: [DeploymentConfiguration],
        general: GeneralSettings,
        routing: RoutingRules,
        network: NetworkSettings,
        plugins: [PluginManifest],
        pluginSettings: PluginSettings,
        warnings: [String]
    ) {
        self.deployments = deployments
        self.general = general
        self.routing = routing
        self.network = network
        self.plugins = plugins
        self.pluginSettings = pluginSettings
        self.warnings = warnings
    }
}
