import Crypto
import HostCore
import HostPlugins

/// Signs plugins.
package enum PluginSigning {
    /// Signs a manifest and the libraries that it names, and writes the signature beside the manifest.
    ///
    /// - Parameters:
    ///   - definition: The manifest; what the host would refuse to open for its form is not signed.
    ///   - key: The private key.
    /// - Returns: What the signature is now.
    /// - Throws: ``PluginError`` for the library; ``ToolError`` if the signature cannot be written.
    package static func sign(_ definition: PluginDefinition, with key: SigningKey) throws -> PluginVerification {
        var digests: [PluginSignature.Part: String] = [:]
        for (part, path) in definition.signedLibraries {
            if part == .functionsLibrary, let functions = definition.functions {
                digests[part] = try LibraryFile(functions, of: definition).sha256
            } else {
                let library = try LibraryFile(path)
                try library.check(against: definition)
                digests[part] = library.sha256
            }
        }
        let subject = PluginSignature.Subject(
            manifest: SHA256.hash(data: definition.manifest).hexadecimal,
            library: digests[.library],
            functionsLibrary: digests[.functionsLibrary]
        )
        let path = PluginSignature.path(ofManifest: definition.manifestPath)
        try AtomicFile.write(Array(try PluginSignature(subject, by: key.key).text.utf8), to: path)
        return PluginVerification(definition)
    }
}
