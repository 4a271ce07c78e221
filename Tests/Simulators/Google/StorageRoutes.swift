import HTTPTypes

/// Cloud Storage's JSON API apart from upload sessions.
///
/// Source: https://cloud.google.com/storage/docs/json_api/v1, read 2026-11-22.
struct StorageRoutes {
    private static let queryFields: Set<String> = [
        "uploadType", "name", "ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch",
        "ifMetagenerationNotMatch", "predefinedAcl", "projection", "contentEncoding", "fields", "prettyPrint", "alt",
        "userProject", "quotaUser", "generation", "prefix", "delimiter", "maxResults", "pageToken", "startOffset",
        "endOffset", "versions", "includeTrailingDelimiter", "includeFoldersAsPrefixes", "matchGlob", "softDeleted",
    ]

    let storage: CloudStorage
    let grant: AccessGrant
    let clock: SimulatedClock

    func reply(to request: Incoming) async throws -> Reply {
        for field in request.query where !Self.queryFields.contains(field.name) {
            throw GoogleError.storage(400, "invalidParameter", "Unknown query parameter \(field.name).")
        }
        let segments = request.segments
        let isUpload = segments.first == "upload" || segments.starts(with: ["resumable", "upload"])
        let prefix = segments.prefix { $0 == "upload" || $0 == "resumable" || $0 == "download" }.count
        let rest = Array(segments.dropFirst(prefix))
        guard rest.starts(with: ["storage", "v1", "b"]), rest.count >= 4, rest.count == 4 || rest[4] == "o" else {
            throw GoogleError.storage(404, "notFound", "Not Found")
        }
        let bucket = rest[3]
        switch (request.method, rest.count) {
        case (.post, 5) where isUpload:
            try storage.objects.enter(bucket, grant: grant, for: "objects.create")
            return try await StorageUploads(storage: storage, grant: grant, clock: clock).reply(
                to: request,
                bucket: bucket
            )
        case (.get, 4) where prefix == 0:
            try storage.objects.enter(bucket, grant: grant, for: "buckets.get")
            return .json(["kind": "storage#bucket", "id": .string(bucket), "name": .string(bucket), "location": "US"])
        case (.get, 5) where prefix == 0:
            try storage.objects.enter(bucket, grant: grant, for: "objects.list")
            return try StorageList(objects: storage.objects, bucket: bucket).reply(to: request)
        case (.get, 6) where !isUpload:
            let object = try object(rest[5], in: bucket, request, permission: "objects.get")
            let isMedia = request.query("alt") == "media"
            return isMedia ? try media(object, request) : .json(object.json(request.origin))
        case (.delete, 6) where prefix == 0:
            try storage.objects.remove(try object(rest[5], in: bucket, request, permission: "objects.delete"))
            return Reply(status: 204)
        default: throw GoogleError.storage(405, "methodNotAllowed", "Method Not Allowed")
        }
    }

    private func object(
        _ name: String,
        in bucket: String,
        _ request: Incoming,
        permission: String
    ) throws -> StoredObject {
        try storage.objects.enter(bucket, grant: grant, for: permission)
        let object = storage.objects.object(name, in: bucket)
        let generation = request.query("generation").flatMap(Int.init)
        guard let object, generation ?? object.generation == object.generation else {
            throw GoogleError.storage(404, "notFound", "No such object: \(bucket)/\(name)")
        }
        try StoredObjects.check(object, against: request.query("ifGenerationMatch").flatMap(Int.init))
        return object
    }

    private func media(_ object: StoredObject, _ request: Incoming) throws -> Reply {
        let size = object.blob.bytes
        var headers: HTTPFields = [
            .contentType: object.description.contentType, .acceptRanges: "bytes", .eTag: object.etag,
        ]
        headers.set("X-Goog-Hash", "crc32c=\(object.blob.crc32c),md5=\(object.blob.md5)")
        headers.set("X-Goog-Generation", String(object.generation))
        headers.set("X-Goog-Stored-Content-Length", String(size))
        guard let value = request.headers[.range], let range = ByteRange(value) else {
            return Reply(status: 200, headers: headers, body: .blob(storage.blobs, object.blob, 0..<size))
        }
        guard let part = range.resolved(in: size) else {
            var reply = GoogleError.storage(416, "requestedRangeNotSatisfiable", "Request range not satisfiable").reply
            reply.headers[.contentRange] = "bytes */\(size)"
            return reply
        }
        headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
        return Reply(status: 206, headers: headers, body: .blob(storage.blobs, object.blob, part))
    }
}

/// One range of a `Range` header: RFC 9110 §14.1.2.
struct ByteRange {
    private let first: Int?
    private let last: Int?

    /// Reads `bytes=…` with one range; nil for any other value, which is to be ignored.
    init?(_ value: String) {
        guard value.hasPrefix("bytes=") else { return nil }
        let ends = value.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, ends.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }) else { return nil }
        (first, last) = (Int(ends[0]), Int(ends[1]))
        guard first != nil || last != nil, first ?? 0 <= last ?? .max else { return nil }
    }

    /// The places in a body of `size` bytes, nil if there are none.
    func resolved(in size: Int) -> Range<Int>? {
        guard let first else {
            let count = min(last ?? 0, size)
            return count > 0 ? size - count..<size : nil
        }
        guard first < size else { return nil }
        return first..<min(last ?? .max - 1, size - 1) + 1
    }
}
