import HostConfig
import HostPluginTools
import HostPlugins

/// A folder of manifests, as the commands for plugins look at it.
struct PluginFolder {
    let path: String
    /// The configuration whose variables the manifests may refer to.
    var config: String?

    /// Every manifest.
    func manifests() throws(ConfigurationError) -> [ManifestFile] {
        let loader = ConfigurationLoader(environment: ConfigurationOptions.environment)
        return try loader.manifestFiles(in: path, configurationFile: config)
    }

    /// The manifest that a command names.
    func manifest(named name: String) throws -> ManifestFile {
        try ManifestSearch.find(name, among: try manifests(), in: path)
    }

    /// What the host would open for the manifest that a command names, also if it is disabled.
    func definition(named name: String, trust: TrustPolicy? = nil) throws -> PluginDefinition {
        definition(try manifest(named: name).manifest.get(), trust: trust)
    }

    /// What the host would open for a manifest.
    func definition(_ manifest: PluginManifest, trust: TrustPolicy?) -> PluginDefinition {
        PluginDefinitions.definition(manifest, manifestFolder: path, trust: trust)
    }

    /// The folder of a manifest that is named by its path, else another, and the name in it.
    static func split(
        _ name: String,
        otherwise folder: String,
        config: String? = nil
    ) -> (PluginFolder, name: String) {
        guard let slash = name.lastIndex(of: "/") else { return (PluginFolder(path: folder, config: config), name) }
        let parent = slash == name.startIndex ? "/" : String(name[..<slash])
        return (PluginFolder(path: parent, config: config), String(name[name.index(after: slash)...]))
    }
}
