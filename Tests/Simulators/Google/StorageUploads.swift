import HTTPTypes
import NIOCore

/// `POST …/upload/storage/v1/b/{bucket}/o`: whole objects, and the start of resumable uploads.
struct StorageUploads {
    private static let metadataLimit = 256 * 1024

    private static let shape = Shape.record([
        "name": .string, "bucket": .string, "contentType": .string, "metadata": .map(.string), "cacheControl": .string,
        "contentDisposition": .string, "contentEncoding": .string, "contentLanguage": .string, "customTime": .string,
        "storageClass": .string, "md5Hash": .string, "crc32c": .string, "kind": .string,
    ])

    let storage: CloudStorage
    let grant: AccessGrant
    let clock: SimulatedClock

    func reply(to request: Incoming, bucket: String) async throws -> Reply {
        switch request.query("uploadType") {
        case "media": return try await media(request, bucket)
        case "multipart": return try await multipart(request, bucket)
        case "resumable": return try await resumable(request, bucket)
        default: throw GoogleError.storage(400, "invalidParameter", "Invalid uploadType.")
        }
    }

    private func media(_ request: Incoming, _ bucket: String) async throws -> Reply {
        let type = request.headers[.contentType] ?? "application/octet-stream"
        let description = try description(of: [:], request, bucket, contentType: type)
        try check(request, bucket, description.name)
        return try await store(in: bucket, as: description, request) { try await request.nextPiece() }
    }

    private func multipart(_ request: Incoming, _ bucket: String) async throws -> Reply {
        guard request.mediaType == "multipart/related",
            let boundary = MediaParameters.parameters(of: request.headers[.contentType] ?? "")["boundary"]
        else {
            throw GoogleError.storage(400, "badContent", "Unsupported content with type: \(request.mediaType ?? "")")
        }
        let reader = MultipartReader(request, boundary: boundary)
        guard let head = try await reader.nextPart(), head.contentType?.hasPrefix("application/json") == true else {
            throw GoogleError.storage(400, "badContent", "The first part must be application/json.")
        }
        let json = try JSONParser.parse(try await reader.text(upTo: Self.metadataLimit).utf8)
        guard let part = try await reader.nextPart() else {
            throw GoogleError.storage(400, "badContent", "The second part, the media, is missing.")
        }
        let type = part.contentType ?? "application/octet-stream"
        let description = try description(of: json, request, bucket, contentType: type)
        try check(request, bucket, description.name)
        return try await store(in: bucket, as: description, request) {
            if let piece = try await reader.nextPiece() { return piece }
            guard try await reader.nextPart() == nil else {
                throw GoogleError.storage(400, "badContent", "There are more than two parts.")
            }
            return nil
        }
    }

    private func resumable(_ request: Incoming, _ bucket: String) async throws -> Reply {
        let body = try await request.body(upTo: Self.metadataLimit)
        if body.readableBytes > 0, request.mediaType != "application/json" {
            throw GoogleError.storage(400, "badContent", "Unsupported content with type: \(request.mediaType ?? "")")
        }
        let json: JSON = body.readableBytes > 0 ? try JSONParser.parse(body.readableBytesView) : [:]
        let announced = try request.header("X-Upload-Content-Length").map { text in
            guard let length = Int(text), length >= 0 else {
                throw GoogleError.storage(400, "badRequest", "Invalid X-Upload-Content-Length: \(text)")
            }
            return length
        }
        let type = request.header("X-Upload-Content-Type") ?? "application/octet-stream"
        let description = try description(of: json, request, bucket, contentType: type)
        try check(request, bucket, description.name)
        let session = try storage.sessions.open(
            bucket: bucket,
            account: grant.account,
            description: description,
            generationMatch: try generationMatch(of: request),
            announcedBytes: announced
        )
        let query =
            "uploadType=resumable&name=\(PercentEncoding.encode(description.name))&upload_id=\(session.record.id)"
        var reply = Reply(status: 200, headers: [.location: "\(request.origin)\(request.path)?\(query)"])
        reply.headers.set("X-GUploader-UploadID", session.record.id)
        return reply
    }

    private func store(
        in bucket: String,
        as description: StoredObject.Description,
        _ request: Incoming,
        next: () async throws -> ByteBuffer?
    ) async throws -> Reply {
        let writer = try storage.blobs.writer()
        do {
            while let piece = try await next() { try writer.append(piece) }
            let blob = try writer.finish()
            try ObjectDigests.check(blob, description: description, header: request.header("X-Goog-Hash"))
            let object = try storage.objects.insert(
                blob,
                in: bucket,
                of: grant.account,
                as: description.withoutDigests,
                generationMatch: try generationMatch(of: request),
                at: clock.unixMilliseconds
            )
            return .json(object.json(request.origin))
        } catch {
            writer.discard()
            throw error
        }
    }

    private func description(
        of json: JSON,
        _ request: Incoming,
        _ bucket: String,
        contentType: String
    ) throws -> StoredObject.Description {
        let json = try ShapeReader(acceptsSnakeCase: false).read(json, as: Self.shape)
        let names = Set([request.query("name"), json["name"]?.string].compactMap(\.self))
        guard let name = names.first, names.count == 1 else {
            throw GoogleError.storage(
                400,
                names.isEmpty ? "required" : "invalid",
                "Exactly one object name is required."
            )
        }
        let isValid =
            (1...1024).contains(name.utf8.count) && name != "." && name != ".."
            && !name.unicodeScalars.contains { $0 == "\r" || $0 == "\n" }
        guard isValid, json["bucket"]?.string ?? bucket == bucket else {
            throw GoogleError.storage(400, "invalid", "Invalid object name or bucket.")
        }
        var description = StoredObject.Description(name: name, contentType: json["contentType"]?.string ?? contentType)
        for member in json["metadata"]?.object?.members ?? [] { description.metadata[member.key] = member.value.string }
        for member in json.object?.members ?? []
        where !["name", "bucket", "contentType", "metadata", "kind", "storageClass"].contains(member.key) {
            description.others[member.key] = member.value.string
        }
        return description
    }

    /// Refuses a broken precondition before the bytes are read.
    private func check(_ request: Incoming, _ bucket: String, _ name: String) throws {
        let object = storage.objects.object(name, in: bucket)
        try StoredObjects.check(object, against: try generationMatch(of: request))
    }

    private func generationMatch(of request: Incoming) throws -> Int? {
        guard let text = request.query("ifGenerationMatch") else { return nil }
        guard let generation = Int(text), generation >= 0 else {
            throw GoogleError.storage(400, "invalid", "Invalid value for ifGenerationMatch: \(text)")
        }
        return generation
    }
}
