import Synchronization

/// The buckets of all deployments of this plugin: what lies there belongs to somebody.
final class KnownBuckets: Sendable {
    private let known = Mutex<Set<String>>([])

    var names: Set<String> { known.withLock { $0 } }

    func add(_ bucket: String) { known.withLock { _ = $0.insert(bucket) } }
}

extension Set<String> {
    /// Whether a web address may name an object of one of these buckets.
    ///
    /// Cloud Storage serves an object at many addresses: the bucket is a part of the path, the first part of the host,
    /// or the host itself. Google fetches some of them with the rights of the deployment.
    /// Source: https://cloud.google.com/storage/docs/request-endpoints, read 2026-11-22.
    func mayHold(_ address: String) -> Bool {
        guard !isEmpty, let colon = address.firstRange(of: "://") else { return false }
        var text = String(address[colon.upperBound...])
        // An address that is encoded more than once is decoded by whoever passes it on.
        for _ in 0..<3 { text = Wire.percentDecoded(text) }
        let parts = text.lowercased().split { "/\\?#&=@:;,".contains($0) }
        return parts.contains { part in
            contains { bucket in part == bucket || part.hasPrefix("\(bucket).storage") }
        }
    }
}
