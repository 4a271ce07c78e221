import Crypto
import HostCore
import HostPlugins

/// Signs plugins.
package enum PluginSigning {
    /// Signs a manifest and the library that it names, and writes the signature beside the manifest.
    ///
    /// - Parameters:
    ///   - definition: The manifest; what the host would refuse to open for its form is not signed.
    ///   - key: The private key.
    /// - Returns: What the signature is now.
    /// - Throws: ``PluginError`` for the library; ``ToolError`` if the signature cannot be written.
    package static func sign(_ definition: PluginDefinition, with key: SigningKey) throws -> PluginVerification {
        let library = try LibraryFile(definition.libraryPath)
        try library.check(against: definition)
        let subject = PluginSignature.Subject(
            manifest: SHA256.hash(data: definition.manifest).hexadecimal,
            // The adapter of a manifest that names no library is the host's, and changes with the host.
            library: definition.namesLibrary ? library.sha256 : nil
        )
        let path = PluginSignature.path(ofManifest: definition.manifestPath)
        try AtomicFile.write(Array(try PluginSignature(subject, by: key.key).text.utf8), to: path)
        return PluginVerification(definition, library: library)
    }
}
