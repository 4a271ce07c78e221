/// One file of `plugins.d` by itself, also if it is disabled or wrong.
package struct ManifestFile: Sendable {
    /// The directory as the loader was given it, and the file's name.
    package let path: String
    /// What the file held when it was read; empty if it could not be read.
    package let bytes: [UInt8]
    /// Whether it does not say `enabled: false`; true also for a file that cannot be understood.
    package let isEnabled: Bool
    /// What it says, or why that cannot be used.
    package let manifest: Result<PluginManifest, ConfigurationError>
}

extension ConfigurationLoader {
    /// Reads every manifest of a folder for itself, so that one that is wrong hides none of the others.
    ///
    /// - Parameters:
    ///   - directory: The folder, as for ``load(configurationFile:pluginsDirectory:)``.
    ///   - configurationFile: The file whose `environment_variables` the manifests may refer to; nil for none.
    /// - Returns: The files in the order of their names. Of two with one id, or for one provider, the later is wrong.
    /// - Throws: ``ConfigurationError`` if the folder cannot be listed or has too many of them.
    package func manifestFiles(
        in directory: String,
        configurationFile: String? = nil
    ) throws(ConfigurationError) -> [ManifestFile] {
        var reader = valueReader
        if let configurationFile { reader = try root(of: configurationFile).1 }
        var known = PluginDirectory()
        return try manifestPaths(in: directory).map { manifestFile($0, reader, known: &known) }
    }

    private func manifestFile(_ path: String, _ values: ValueReader, known: inout PluginDirectory) -> ManifestFile {
        var bytes: [UInt8] = []
        var isEnabled = true
        do throws(ConfigurationError) {
            bytes = try ConfigurationFile.read(path)
            let document = try YAMLDocument.read(bytes, file: path)
            let reader = PluginManifestReader(reader: values)
            isEnabled = try reader.isEnabled(document)
            let manifest = try reader.manifest(document, bytes: bytes)
            if isEnabled { try known.add(manifest) }
            return ManifestFile(path: path, bytes: bytes, isEnabled: isEnabled, manifest: .success(manifest))
        } catch {
            return ManifestFile(path: path, bytes: bytes, isEnabled: isEnabled, manifest: .failure(error))
        }
    }
}

extension ManifestFile {
    /// What a manifest's file holds now.
    package static func bytes(of path: String) throws(ConfigurationError) -> [UInt8] {
        try ConfigurationFile.read(path)
    }
}
