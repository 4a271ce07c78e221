import HostConfig
import HostPlugins

/// What is known of a library: from its file, from the manifest that names it, and from the plugin itself.
package struct PluginInspection: Encodable, Sendable {
    /// What the plugin says of itself, in a process of its own that may do nothing.
    package struct Plugin: Encodable, Sendable {
        package let id: String
        package let version: String
        /// The ABI that it was built against, such as `1.0`.
        package let abi: String
        /// What it serves, such as `chat` and `fileCreate`.
        package let operations: [String]
        package let flags: [String]

        init(_ statement: PluginStatement) {
            id = statement.id
            version = statement.version
            abi = statement.abi
            operations = statement.operations.map { "\($0)" }
            flags = statement.flags
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
    ///   - trust: Whose plugins are opened, be it in a sandbox; nil for all.
    ///   - worker: The path of `gantry-worker`, where the library is opened if its form is good.
    /// - Throws: ``PluginError`` if it cannot be read or others can write to it.
    package init(
        _ path: String,
        manifests: [ManifestFile],
        definition: (PluginManifest, TrustPolicy?) -> PluginDefinition,
        trust: TrustPolicy?,
        worker: String
    ) throws(PluginError) {
        let library = try LibraryFile(path)
        self.path = path
        bytes = library.bytes.count
        sha256 = library.sha256
        elf = ELFFacts(library)
        // A manifest without a library of its own is served by one that is not its own either.
        let owners = manifests.filter { file in
            guard case .success(let manifest) = file.manifest else { return false }
            return manifest.wire == nil
        }
        let listing = PluginListing(owners) { definition($0, trust) }
        manifest = listing.plugins.first { $0.librarySHA256 == library.sha256 }
        var problems: [String] = []
        var plugin: Plugin?
        do throws(PluginError) {
            try library.checkForm()
            if trust == nil || (manifest != nil && manifest?.reason == nil) {
                plugin = Plugin(try PluginStatement(asking: library, worker: worker))
            } else {
                problems.append("\(path): it was not opened, for it is not trusted.")
            }
        } catch {
            problems.append(error.message)
        }
        self.plugin = plugin
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
            rows.append(("abi", plugin.abi))
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
