import HostCore

/// Everything the gateway was told by its configuration file and `plugins.d`.
package struct GatewayConfiguration: Sendable {
    /// The entries of `model_list` that a manifest serves, in the file's order; each id once.
    package let deployments: [DeploymentConfiguration]
    /// The entries that no enabled manifest serves.
    package let leftOut: [LeftOutDeployment]
    package let general: GeneralSettings
    /// `router_settings`.
    package let routing: RoutingRules
    package let network: NetworkSettings
    /// The enabled manifests, in the order of their file names; each id and each provider once.
    package let plugins: [PluginManifest]
    /// What became of every file in the folder of manifests, in the order of their names.
    package let manifests: [ManifestReport]
    package let pluginSettings: PluginSettings
    /// What was accepted without having an effect, one line each, with its place.
    package let warnings: [String]

    /// Makes a configuration.
    package init(
        deployments: [DeploymentConfiguration],
        leftOut: [LeftOutDeployment] = [],
        general: GeneralSettings,
        routing: RoutingRules,
        network: NetworkSettings,
        plugins: [PluginManifest],
        manifests: [ManifestReport] = [],
        pluginSettings: PluginSettings,
        warnings: [String]
    ) {
        self.deployments = deployments
        self.leftOut = leftOut
        self.general = general
        self.routing = routing
        self.network = network
        self.plugins = plugins
        self.manifests = manifests
        self.pluginSettings = pluginSettings
        self.warnings = warnings
    }
}
