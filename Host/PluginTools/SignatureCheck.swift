import Crypto
import HostCore
import HostPlugins

/// Whether the signature beside a manifest is good for the files as they are now, whoever made it.
struct SignatureCheck {
    /// The key of a signature that is good.
    let signer: PluginKey?
    /// Why there is none; one line.
    let problem: String?

    /// Compares the signature beside a manifest with the files.
    ///
    /// - Parameters:
    ///   - definition: The manifest, by the bytes that were read.
    ///   - library: The library that it names, or nil if that cannot be read.
    init(_ definition: PluginDefinition, library: LibraryFile?) {
        let file = SignatureFile(beside: definition.manifestPath)
        let signature: PluginSignature
        switch file.content {
        case .success(let found): signature = found
        case .failure(let fault):
            signer = nil
            problem = "\(file.path): \(fault.reason)"
            return
        }
        var found: String?
        if !signature.isGood { found = "\(file.path): the signature is not by the key that it names" }
        if signature.subject.manifest != SHA256.hash(data: definition.manifest).hexadecimal {
            found = "\(definition.manifestPath): it was changed after it was signed"
        }
        if signature.subject.library != library?.sha256 {
            found = "\(definition.libraryPath): it was changed after it was signed"
        }
        problem = found
        signer = found == nil ? signature.key : nil
    }
}
