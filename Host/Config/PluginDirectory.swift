/// The enabled plugins by id and by provider.
struct PluginDirectory {
    private(set) var manifests: [PluginManifest] = []
    private var byID: [String: PluginManifest] = [:]
    private var byProvider: [String: PluginManifest] = [:]

    /// Adds a manifest.
    ///
    /// - Throws: ``ConfigurationError`` with `.duplicate` if another has its id or serves one of its providers.
    mutating func add(_ manifest: PluginManifest) throws(ConfigurationError) {
        if let other = byID[manifest.id] {
            throw duplicate(manifest, "the id \(manifest.id) is also that of \(other.file.onOneLine(limit: 200))")
        }
        for provider in manifest.providers {
            if let other = byProvider[provider] {
                let file = other.file.onOneLine(limit: 200)
                throw duplicate(manifest, "the provider \(provider) is also served by \(file)")
            }
            byProvider[provider] = manifest
        }
        byID[manifest.id] = manifest
        manifests.append(manifest)
    }

    /// The plugin with an id.
    func plugin(_ id: String) -> PluginManifest? { byID[id] }

    /// The plugin that serves a provider.
    func plugin(serving provider: String) -> PluginManifest? { byProvider[provider] }

    /// Their ids, for a message.
    var ids: String { Self.listed(byID.keys.sorted()) }

    /// Their providers, for a message.
    var providers: String { Self.listed(byProvider.keys.sorted()) }

    private static func listed(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: ", ").onOneLine(limit: 400)
    }

    private func duplicate(_ manifest: PluginManifest, _ problem: String) -> ConfigurationError {
        ConfigurationError(.duplicate, at: manifest.location, "\(problem). Change one, or set enabled: false in it.")
    }
}
