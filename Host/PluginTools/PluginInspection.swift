import HostConfig
import HostPlugins

/// What is known of a library: from its file, from the manifest that names it, and from the plugin itself.
package struct PluginInspection: Encodable, Sendable {
    /// What the plugin says of itself, in a process of its own that may do nothing.
    package struct Plugin: Encodable, Sendable {
        package let id: String
        package let version: String
        /// The ABI that it was built against, such as `1.0`.
        package let abi: String?
        /// The kinds of operations that it serves, in lower-case words.
        package let operations: [String]
        package let flags: [String]

        /// Makes a description.
        package init(id: String, version: String, abi: String?, operations: [String], flags: [String]) {
            self.id = id
            self.version = version
            self.abi = abi
            self.operations = operations
            self.flags = flags
        }
    }

    package let path: String
    package let bytes: Int
    package let sha256: String
    package let elf: ELFFacts
    /// The manifest beside it that names it; nil if there is none.
    package let manifest: PluginListing.Entry?
    /// Nil if its form forbids to open it, or if it could not be asked.
    package let plugin: Plugin?
    /// What would keep the host from using it, one line each.
    package let problems: [String]

    /// Looks at a library.
    ///
    /// - Parameters:
    ///   - path: The library.
    ///   - manifests: Those of the folder that it lies in.
    ///   - definition: What the host would open for a manifest.
    ///   - ask: Opens a library whose form is good where it can do no harm; nil if that cannot be done.
    /// - Throws: ``PluginError`` if it cannot be read or others can write to it.
    package init(
        _ path: String,
        manifests: [ManifestFile],
        definition: (PluginManifest) -> PluginDefinition,
        ask: (LibraryFile) throws -> Plugin?
    ) throws(PluginError) {
        let library = try LibraryFile(path)
        self.path = path
        bytes = library.bytes.count
        sha256 = library.sha256
        elf = ELFFacts(library)
        var problems: [String] = []
        var plugin: Plugin?
        do {
            try library.checkForm()
            plugin = try ask(library)
        } catch {
            problems.append("\(error)")
        }
        self.plugin = plugin
        // A manifest without a library of its own is served by one that is not its own either.
        let owners = manifests.filter { file in
            guard case .success(let manifest) = file.manifest else { return false }
            return manifest.wire == nil
        }
        let listing = PluginListing(owners, definition: definition)
        manifest = listing.plugins.first { $0.librarySHA256 == library.sha256 }
        if !elf.bindsNow {
            problems.append("\(path): it is not linked with `-z now`: a missing symbol would show late.")
        }
        if !elf.isNeverUnloaded { problems.append("\(path): it is not linked with `-z nodelete`.") }
        if let reason = manifest?.reason, !problems.contains(reason) { problems.append(reason) }
        if let manifest, let plugin, manifest.id != plugin.id || manifest.version != plugin.version {
            problems.append(
                "\(manifest.file): it says \(manifest.id ?? "") \(manifest.version ?? ""), the library is "
                    + "\(plugin.id) \(plugin.version)."
            )
        }
        self.problems = problems
    }

    /// For people.
    package var text: String {
        var rows = [("library", path), ("size", "\(bytes) bytes"), ("sha256", sha256)]
        rows.append(("machine", elf.machine ?? "unknown"))
        rows.append(("exports", elf.exports.prefix(8).joined(separator: ", ")))
        rows.append(("needs", elf.needs.joined(separator: ", ")))
        if let path = elf.searchPath { rows.append(("search path", path)) }
        rows.append(("binds now", elf.bindsNow ? "yes" : "no"))
        rows.append(("never unloaded", elf.isNeverUnloaded ? "yes" : "no"))
        rows.append(("executable stack", elf.hasExecutableStack.map { $0 ? "yes" : "no" } ?? "not said"))
        if let plugin {
            rows.append(("plugin", "\(plugin.id) \(plugin.version)"))
            if let abi = plugin.abi { rows.append(("abi", abi)) }
            rows.append(("operations", plugin.operations.joined(separator: ", ")))
            rows.append(("flags", plugin.flags.joined(separator: ", ")))
        }
        rows.append(("manifest", manifest?.file ?? "none beside it"))
        if let manifest {
            rows.append(("state", manifest.state.rawValue))
            rows.append(("isolation", manifest.isolation ?? ""))
            rows.append(("providers", manifest.providers.joined(separator: ", ")))
            rows.append(("signed by", manifest.signedBy ?? "nobody"))
        }
        rows += problems.map { ("PROBLEM", $0) }
        var table = TextTable("", "")
        for (name, value) in rows { table.add(name, value) }
        return table.body
    }
}
