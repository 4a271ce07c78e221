/// `plugin_settings`: what holds for all plugins.
package struct PluginSettings: Hashable, Sendable {
    /// `plugin_settings.trust`: whose plugins are opened.
    package struct Trust: Hashable, Sendable {
        /// Public keys as they were written: `ed25519:` and 32 bytes in base 64.
        package let keys: [String]
        /// SHA-256 of manifests and libraries, 64 lower-case hexadecimal digits each.
        package let sha256: [String]

        /// Makes settings.
        package init(keys: [String], sha256: [String]) {
            self.keys = keys
            self.sha256 = sha256
        }
    }

    /// Nil if every plugin is opened that its manifest describes.
    package let trust: Trust?

    /// Makes settings.
    package init(trust: Trust? = nil) { self.trust = trust }
}
