import HostConfig
import HostPlugins

/// Switches a plugin on and off in its manifest.
package struct ManifestEditor {
    /// What became of a manifest.
    package struct Change: Sendable {
        /// False if the manifest said so already.
        package let hasChanged: Bool
        /// What else the operator has to do; nil for nothing.
        package let warning: String?
    }

    private let file: ManifestFile

    /// Makes an editor for a manifest that has been read.
    package init(_ file: ManifestFile) { self.file = file }

    /// Changes what the manifest says of `enabled`, and not a byte besides.
    ///
    /// - Parameter isEnabled: What it is to say.
    /// - Returns: Whether there was something to change.
    /// - Throws: ``ConfigurationError`` for a manifest whose line has to be changed by hand; ``ToolError`` if the file
    ///   cannot be written or was changed meanwhile.
    package func set(_ isEnabled: Bool) throws -> Change {
        let changed = try ManifestSwitch.set(isEnabled, in: file)
        guard changed != file.bytes else { return Change(hasChanged: false, warning: nil) }
        // An editor may have saved it since.
        guard try ManifestFile.bytes(of: file.path) == file.bytes else {
            throw ToolError(.file, "\(file.path): somebody else changes it just now. Do it again.")
        }
        try AtomicFile.write(changed, to: file.path)
        guard case .success = SignatureFile(beside: file.path).content else {
            return Change(hasChanged: true, warning: nil)
        }
        let warning = "\(file.path): its signature was of the file before. Sign it again with `gantry plugin sign`."
        return Change(hasChanged: true, warning: warning)
    }
}
