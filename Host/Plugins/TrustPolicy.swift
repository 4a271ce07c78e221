import Crypto
import HostCore

/// Whose plugins are opened: what a trusted key has signed, and what is listed by its hash.
///
/// Every file that a plugin is made of has to be covered, its manifest too: a changed one could send the secrets that it
/// is entrusted with somewhere else.
package struct TrustPolicy: Hashable, Sendable {
    private let keys: Set<PluginKey>
    private let hashes: Set<String>

    /// Makes a policy.
    ///
    /// - Parameters:
    ///   - keys: The keys whose signatures count.
    ///   - hashes: SHA-256 of manifests and libraries that need no signature, in lower-case hexadecimal digits.
    package init(keys: [PluginKey], hashes: [String]) {
        self.keys = Set(keys)
        self.hashes = Set(hashes)
    }

    /// Refuses a plugin whose manifest or library nobody vouches for.
    ///
    /// - Parameters:
    ///   - definition: The manifest, by the bytes that it was read from.
    ///   - library: The bytes that are to be opened.
    /// - Throws: ``PluginError`` with `.untrusted`, which names the file and what to do.
    func check(_ definition: PluginDefinition, library: LibraryFile) throws(PluginError) {
        let manifest = definition.manifestPath
        let vouched = SignatureFile(beside: manifest)
        try check(
            manifest,
            sha256: SHA256.hash(data: definition.manifest).hexadecimal,
            signed: { $0.manifest },
            by: vouched
        )
        try check(library.path, sha256: library.sha256, signed: { $0.library }, by: vouched)
    }

    private func check(
        _ path: String,
        sha256: String,
        signed digest: (PluginSignature.Subject) -> String?,
        by file: SignatureFile
    ) throws(PluginError) {
        guard !hashes.contains(sha256) else { return }
        let advice =
            "Sign the plugin with `gantry plugin sign`, or add \(sha256) to plugin_settings.trust.sha256."
        switch file.content {
        case .failure(let fault):
            throw PluginError(.untrusted, "\(path): it is not trusted: \(file.path): \(fault.reason). \(advice)")
        case .success(let signature):
            guard keys.contains(signature.key) else {
                throw PluginError(
                    .untrusted,
                    "\(path): it is not trusted: it is signed by \(signature.key), which is not among "
                        + "plugin_settings.trust.keys. \(advice)"
                )
            }
            guard signature.isGood else {
                throw PluginError(
                    .untrusted,
                    "\(path): it is not trusted: \(file.path): the signature is not by its key. \(advice)"
                )
            }
            guard let signed = digest(signature.subject) else {
                throw PluginError(
                    .untrusted,
                    "\(path): it is not trusted: \(file.path) is not about it. \(advice)"
                )
            }
            guard signed == sha256 else {
                throw PluginError(
                    .untrusted,
                    "\(path): it is not trusted: its SHA-256 is \(sha256), \(file.path) is about \(signed): one of "
                        + "them was changed. Restore it. If the change is yours: \(advice)"
                )
            }
        }
    }
}
