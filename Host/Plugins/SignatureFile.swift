/// The signature beside a manifest, as far as there is one.
package struct SignatureFile: Sendable {
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
}
