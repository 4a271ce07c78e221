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
    /// Whom it would serve, as far as that can be read.
    let claims: (id: String?, providers: [String])
}

extension ManifestFile {
    /// Judges a file.
    init(_ file: ConfigurationLoader.File, _ reader: PluginManifestReader) {
        var isEnabled = true
        var claims: (id: String?, providers: [String]) = (nil, [])
        let manifest = Result { () throws(ConfigurationError) in
            let document = try YAMLDocument.read(file.bytes, file: file.path)
            claims = reader.claims(document)
            isEnabled = try reader.isEnabled(document)
            return try reader.manifest(document, bytes: file.bytes)
        }
        self.init(path: file.path, bytes: file.bytes, isEnabled: isEnabled, manifest: manifest, claims: claims)
    }

    /// A file that cannot be read.
    init(unreadable path: String, _ error: ConfigurationError) {
        self.init(path: path, bytes: [], isEnabled: true, manifest: .failure(error), claims: (nil, []))
    }

    /// The same file, refused.
    func refused(for error: ConfigurationError) -> ManifestFile {
        ManifestFile(path: path, bytes: bytes, isEnabled: isEnabled, manifest: .failure(error), claims: claims)
    }

    /// What a manifest's file holds now.
    package static func bytes(of path: String) throws(ConfigurationError) -> [UInt8] {
        try ConfigurationFile.read(path)
    }
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
        var values = valueReader
        if let configurationFile { values = try root(of: configurationFile).1 }
        let reader = PluginManifestReader(reader: values)
        var known = PluginDirectory()
        return try manifestPaths(in: directory).map { path in
            let file: ManifestFile
            do throws(ConfigurationError) {
                file = ManifestFile(try self.file(path), reader)
            } catch {
                return ManifestFile(unreadable: path, error)
            }
            guard file.isEnabled, case .success(let manifest) = file.manifest else { return file }
            do throws(ConfigurationError) {
                try known.add(manifest)
                return file
            } catch {
                return file.refused(for: error)
            }
        }
    }
}
