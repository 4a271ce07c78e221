import HostConfig

/// Finds the manifest that a command is about.
package enum ManifestSearch {
    /// The manifest of a name.
    ///
    /// - Parameters:
    ///   - name: A plugin's id; or the name of a manifest's file, with or without its ending.
    ///   - files: The manifests of the folder.
    ///   - folder: The folder, for messages.
    /// - Returns: The only one that fits; the name of a file comes before an id.
    /// - Throws: ``ToolError`` with `.usage` if none or several fit.
    package static func find(
        _ name: String,
        among files: [ManifestFile],
        in folder: String
    ) throws(ToolError) -> ManifestFile {
        let byFile = files.filter { file in
            let fileName = file.path.split(separator: "/").last.map(String.init) ?? file.path
            return [fileName, fileName.dropEnding(".yaml"), fileName.dropEnding(".yml")].contains(name)
        }
        let byID = files.filter { file in
            guard case .success(let manifest) = file.manifest else { return false }
            return manifest.id == name
        }
        let found = byFile.isEmpty ? byID : byFile
        guard let first = found.first else {
            throw ToolError(
                .usage,
                "\(folder): no manifest is called \(name) or has that id. See `gantry plugin list`."
            )
        }
        guard found.count == 1 else {
            let paths = found.map(\.path).joined(separator: ", ")
            throw ToolError(.usage, "\(name): that can be \(paths). Give the file's whole name.")
        }
        return first
    }
}

extension String {
    fileprivate func dropEnding(_ ending: String) -> String {
        hasSuffix(ending) ? String(dropLast(ending.count)) : self
    }
}
