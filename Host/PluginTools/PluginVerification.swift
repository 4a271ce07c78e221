import Crypto
import HostCore
import HostPlugins

/// Whether the signature beside a manifest is good for the files as they are now, and whose it is.
package struct PluginVerification: Encodable, Sendable {
    /// One file that a signature is about.
    package struct File: Encodable, Sendable {
        /// What the file is to the plugin: `manifest`, `library` or `functions_library`.
        package let part: String
        package let path: String
        /// What it is now, as SHA-256 in lower-case hexadecimal digits; nil if it cannot be read.
        package let sha256: String?
        /// What was signed; nil if there is no signature, or none of this file.
        package let signedSHA256: String?

        var problem: String? {
            if let sha256, let signedSHA256, sha256 == signedSHA256 { return nil }
            return sha256 == nil
                ? "\(path): it cannot be read"
                : signedSHA256 == nil ? "\(path): it is not signed" : "\(path): it was changed after it was signed"
        }

        enum CodingKeys: String, CodingKey {
            case part, path, sha256
            case signedSHA256 = "signed_sha256"
        }
    }

    /// The signature's file.
    package let signature: String
    /// The public key that the signature names; nil if there is no signature.
    package let key: String?
    package let files: [File]
    /// What is wrong, in one line; nil if the signature is good.
    package let problem: String?

    /// Whether all files are as they were signed, by a key that counts.
    package var isGood: Bool { problem == nil }

    /// The key of a signature that is good.
    package var signer: String? { isGood ? key : nil }

    /// Compares the signature beside a manifest with the files.
    ///
    /// - Parameters:
    ///   - definition: The manifest, by the bytes that were read.
    ///   - trusted: The keys that count; nil for any.
    package init(_ definition: PluginDefinition, trusted: [PluginKey]? = nil) {
        let file = SignatureFile(beside: definition.manifestPath)
        signature = file.path
        var found: PluginSignature?
        var fault: String?
        switch file.content {
        case .success(let signature): found = signature
        case .failure(let reason): fault = "\(file.path): \(reason.reason)"
        }
        key = found?.key.description
        var files = [
            File(
                part: PluginSignature.Part.manifest.rawValue,
                path: definition.manifestPath,
                sha256: SHA256.hash(data: definition.manifest).hexadecimal,
                signedSHA256: found?.subject[.manifest]
            )
        ]
        var unreadable: PluginError?
        for (part, path) in definition.signedLibraries.sorted(by: { $0.key.rawValue > $1.key.rawValue }) {
            var sha256: String?
            do throws(PluginError) {
                sha256 = try LibraryFile(path).sha256
            } catch {
                unreadable = error
            }
            files.append(
                File(part: part.rawValue, path: path, sha256: sha256, signedSHA256: found?.subject[part])
            )
        }
        self.files = files
        if let found, !found.isGood { fault = "\(file.path): the signature is not by the key that it names" }
        if let key = found?.key, let trusted, !trusted.contains(key) {
            fault = fault ?? "\(file.path): \(key) is not among the keys that count"
        }
        problem = fault ?? unreadable?.message ?? files.lazy.compactMap(\.problem).first
    }

    /// For people.
    package var text: String {
        var lines = files.map { file in
            "\(file.part) \(file.path): \(file.sha256 ?? "unreadable")"
                + (file.problem == nil ? "" : " (signed: \(file.signedSHA256 ?? "nothing"))")
        }
        if let key { lines.append("key \(key)") }
        lines.append(problem.map { "NOT GOOD: \($0)" } ?? "good: \(signature)")
        return lines.joined(separator: "\n")
    }
}
