import FoundationEssentials

/// The signature beside a manifest, as far as there is one.
package struct SignatureFile: Sendable {
    // As many as there may be manifests.
    private static let maximumFiles = 256

    package let path: String
    /// The signature as it is written, which may be forged, or why there is none.
    package let content: Result<PluginSignature, PluginSignature.Fault>

    /// Reads the signature beside a manifest.
    ///
    /// - Parameter manifestPath: The manifest.
    package init(beside manifestPath: String) {
        path = PluginSignature.path(ofManifest: manifestPath)
        do throws(RegularFile.Failure) {
            let bytes = try RegularFile.read(path, atMost: PluginSignature.maximumSizeInBytes)
            content = Result { () throws(PluginSignature.Fault) in try PluginSignature(parsing: bytes) }
        } catch {
            content = .failure(PluginSignature.Fault(reason: error.reason))
        }
    }

    /// The signatures in the folder of a manifest, as far as it can be listed.
    static func all(beside manifestPath: String) -> [SignatureFile] {
        let folder = manifestPath.lastIndex(of: "/").map { String(manifestPath[..<$0]) } ?? "."
        let ending = PluginSignature.path(ofManifest: "")
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "/" : folder)
            return names.filter { $0.hasSuffix(ending) }.prefix(maximumFiles).map { name in
                SignatureFile(beside: "\(folder)/\(name.dropLast(ending.count))")
            }
        } catch {
            // What cannot be listed vouches for nothing.
            return []
        }
    }
}
