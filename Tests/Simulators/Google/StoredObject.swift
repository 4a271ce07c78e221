/// One object of one bucket.
struct StoredObject: Codable, Sendable {
    /// What the client says about an object.
    struct Description: Codable, Sendable {
        var name: String
        var contentType: String
        var metadata: [String: String] = [:]
        /// Members that are kept and shown: `cacheControl` and the like.
        var others: [String: String] = [:]
    }

    let bucket: String
    let account: String
    let description: Description
    /// Unique, and greater for what was written later.
    let generation: Int
    let createdAt: Int
    let blob: Blob

    var name: String { description.name }

    /// The resource as the API shows it; `origin` is where the client reached it.
    func json(_ origin: String) -> JSON {
        let place = "b/\(bucket)/o/\(PercentEncoding.encode(name))"
        var json: JSONObject = [
            ("kind", "storage#object"), ("id", "\(bucket)/\(name)/\(generation)"),
            ("selfLink", "\(origin)/storage/v1/\(place)"),
            ("mediaLink", "\(origin)/download/storage/v1/\(place)?generation=\(generation)&alt=media"),
            ("name", name), ("bucket", bucket), ("generation", String(generation)), ("metageneration", "1"),
            ("contentType", description.contentType), ("storageClass", "STANDARD"), ("size", String(blob.bytes)),
            ("md5Hash", blob.md5), ("crc32c", blob.crc32c), ("etag", etag), ("timeCreated", createdAt.timestamp),
            ("updated", createdAt.timestamp), ("timeStorageClassUpdated", createdAt.timestamp),
        ].reduce(into: JSONObject()) { $0[$1.0] = .string($1.1) }
        if !description.metadata.isEmpty { json["metadata"] = metadata }
        for (key, value) in description.others.sorted(by: { $0.key < $1.key }) { json[key] = .string(value) }
        return .object(json)
    }

    /// The object as the simulator's state shows it.
    var state: JSON {
        [
            "bucket": .string(bucket), "name": .string(name), "account": .string(account),
            "bytes": .integer(blob.bytes), "sha256": .string(blob.sha256),
            "content_type": .string(description.contentType), "metadata": metadata,
            "generation": .string(String(generation)),
        ]
    }

    var etag: String { "C\(generation)E=" }

    private var metadata: JSON {
        .object(
            description.metadata.sorted { $0.key < $1.key }.reduce(into: JSONObject()) {
                $0[$1.key] = .string($1.value)
            }
        )
    }
}

/// Percent-encoding of path segments: RFC 3986 §2.3.
enum PercentEncoding {
    static func encode(_ text: String) -> String {
        let kept = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        return text.utf8.reduce(into: "") { result, byte in
            if kept.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + [byte].hexadecimal.uppercased()
            }
        }
    }
}
