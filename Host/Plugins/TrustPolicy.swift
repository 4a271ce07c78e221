import Crypto
import HostCore

/// Whose plugins are opened: what a trusted key has signed, and what is listed by its hash.
///
/// Every file that a plugin is made of has to be covered, its manifest too: a changed one could send the secrets that it
/// is entrusted with somewhere else.
package struct TrustPolicy: Hashable, Sendable {
    /// The keys whose signatures count.
    package let keys: Set<PluginKey>
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
    /// The library of a manifest that names none is the host's own adapter, which serves many: it may also be vouched for
    /// by the signature of another manifest of the folder.
    ///
    /// - Parameters:
    ///   - definition: The manifest, by the bytes that it was read from.
    ///   - library: The bytes that are to be opened.
    ///   - part: What the library is to the plugin.
    /// - Throws: ``PluginError`` with `.untrusted`, which names the file and what to do.
    func check(
        _ definition: PluginDefinition,
        library: LibraryFile,
        as part: PluginSignature.Part = .library
    ) throws(PluginError) {
        let file = SignatureFile(beside: definition.manifestPath)
        let manifest = SHA256.hash(data: definition.manifest).hexadecimal
        try check(definition.manifestPath, sha256: manifest, as: .manifest, by: file)
        let isShared = part == .library && !definition.namesLibrary
        if isShared, SignatureFile.all(beside: definition.manifestPath).contains(where: { vouches($0, for: library) }) {
            return
        }
        try check(library.path, sha256: library.sha256, as: part, by: file)
    }

    private func vouches(_ file: SignatureFile, for library: LibraryFile) -> Bool {
        guard case .success(let signature) = file.content else { return false }
        return signature.subject.library == library.sha256 && keys.contains(signature.key) && signature.isGood
    }

    private func check(
        _ path: String,
        sha256: String,
        as part: PluginSignature.Part,
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
            guard let signed = signature.subject[part] else {
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
