import GantryPlugin

/// A file that the host wants kept.
struct NewFile {
    let filename: String
    let type: String
    let purpose: String?
    let sha256: String?
    let uniqueName: String
    let size: UInt64

    init(_ input: JSON, sourceLength: UInt64?) throws(Failure) {
        let declared = input["bytes"]?.integer.flatMap { UInt64(exactly: $0) }
        // `UInt64.max` is the host's word for "not known".
        guard let size = declared ?? sourceLength, size < UInt64(Int64.max) else {
            throw Failure(.internalError, "Cloud Storage uploads need the file's length, and the host did not give it.")
        }
        guard sourceLength == nil || sourceLength == size else {
            throw Failure(.internalError, "The host gave two lengths of one file.")
        }
        self.size = size
        filename = input["filename"]?.string ?? ""
        let type = input["mime_type"]?.string ?? ""
        self.type = MediaType.isMediaType(type) ? type : "application/octet-stream"
        purpose = input["purpose"]?.string
        sha256 = input["sha256"]?.string
        uniqueName = input["name"]?.string ?? ""
    }
}

/// What an object is to be, before its bytes are sent.
struct NewObject {
    let object: StoredObject
    let type: String
    let metadata: JSONObject
    /// In bytes; nil where that shows at the end.
    let size: UInt64?
    /// Whether an object that has the name already gives way, as when the same is made again.
    var replaces = false
}

extension CloudStorage {
    /// Uploads the operation's source.
    ///
    /// - Returns: `{"id", "bytes", "status"}`.
    nonisolated(nonsending) func create(_ file: NewFile) async throws(Failure) -> JSON {
        let object = try StoredObject(unique: file.uniqueName, filename: file.filename, settings: settings)
        var metadata = JSONObject()
        metadata["purpose"] = file.purpose.map { .string($0) }
        metadata["sha256"] = file.sha256.map { .string($0) }
        let new = NewObject(object: object, type: file.type, metadata: metadata, size: file.size)
        // Before the session: from then on a crash could leave an object that nobody knows.
        try operation.remember(id: object.id)
        let session: String
        do throws(Failure) {
            session = try await begin(new)
        } catch {
            // No byte was sent, so there is nothing of ours; what else has the name is not ours to delete.
            if error.reason != .cancelled { try operation.forget(id: object.id) }
            throw error
        }
        do throws(Failure) {
            var upload = ResumableUpload(total: file.size)
            let description = try await send(&upload, type: file.type, to: session) { range in
                [.source(offset: range.lowerBound, length: range.upperBound - range.lowerBound)]
            }
            try Self.check(description, has: file.size)
        } catch {
            if error.reason != .cancelled {
                await cancel(session)
                await undo(object)
            }
            throw error
        }
        return Self.file(id: object.id, size: Int64(file.size))
    }

    /// Refuses what is not the description of an object of that size.
    static func check(_ description: [UInt8]?, has size: UInt64) throws(Failure) {
        if let description, try Self.size(of: try document(description)) == Int64(size) { return }
        throw Failure(
            .upstreamProtocol,
            "Cloud Storage did not keep all of the file.",
            isRetryable: true,
            mayFallBack: true
        )
    }

    /// Opens an upload session; trying again after a passing failure costs nothing, since nothing was sent yet.
    ///
    /// - Returns: Its URL, which needs no token.
    nonisolated(nonsending) func begin(_ new: NewObject) async throws(Failure) -> String {
        for pause: UInt64 in [500, 1500] {
            do throws(Failure) {
                return try await beginOnce(new)
            } catch {
                guard error.reason == .upstreamUnavailable, error.isRetryable else { throw error }
            }
            try await operation.wait(milliseconds: pause)
        }
        return try await beginOnce(new)
    }

    private nonisolated(nonsending) func beginOnce(_ new: NewObject) async throws(Failure) -> String {
        let description: JSON = ["contentType": .string(new.type), "metadata": .object(new.metadata)]
        let condition = new.replaces ? "" : "&ifGenerationMatch=0"
        let query = "uploadType=resumable&name=\(Wire.percentEncoded(new.object.name))\(condition)"
        var headers = [
            Header("Content-Type", Wire.jsonContentType), Header("X-Upload-Content-Type", new.type),
        ]
        if let size = new.size { headers.append(Header("X-Upload-Content-Length", String(size))) }
        let request = HTTPRequest(
            method: "POST",
            url: "\(settings.origin)/upload/storage/v1/b/\(settings.bucket)/o?\(query)",
            headers: headers,
            body: [.bytes(description.serialized())],
            isIdempotent: true  // a second session that is never used ends by itself
        )
        let response = try await sender.send(request)
        let body = try await response.body()
        guard response.status == 200 || response.status == 201 else { throw failure(response, body) }
        return try sessionURL(response.header("location"))
    }

    /// The session has to be at the same host: nothing else may be given the file.
    func sessionURL(_ location: String?) throws(Failure) -> String {
        guard let location else { throw Self.unreadable }
        let scheme = String(settings.origin.prefix { $0 != ":" })
        if location.hasPrefix("/"), !location.hasPrefix("//") {
            guard Origin.split(settings.origin + location, defaultScheme: nil) != nil else { throw Self.unreadable }
            return settings.origin + location
        }
        // Behind a proxy that ends TLS an emulator takes its own scheme for the client's; ours is the right one.
        guard let parts = Origin.split(location, defaultScheme: nil), !parts.rest.isEmpty,
            "\(scheme)://\(parts.origin.authority)" == settings.origin
        else {
            throw Failure(
                .upstreamProtocol,
                "Cloud Storage gave an upload address at another host; check gcs_api_base.",
                mayFallBack: true
            )
        }
        return settings.origin + parts.rest
    }

    /// Takes the upload's steps until the object is there or more bytes are wanted.
    ///
    /// - Parameters:
    ///   - upload: What has been sent and comes next.
    ///   - type: The object's media type.
    ///   - session: The URL of the upload session.
    ///   - bytes: Gives the bytes of a range, which may be asked for more than once.
    /// - Returns: The description of the finished object; nil where more bytes are wanted.
    /// - Throws: What is wrong with an answer, or what has gone wrong too often.
    nonisolated(nonsending) func send(
        _ upload: inout ResumableUpload,
        type: String,
        to session: String,
        bytes: (Range<UInt64>) -> [Segment]
    ) async throws(Failure) -> [UInt8]? {
        while true {
            let request: HTTPRequest
            switch upload.step {
            case .send(let range):
                let contentRange = upload.contentRange(range)
                let body = range.isEmpty ? [] : bytes(range)
                request = Self.put(session, type: type, contentRange: contentRange, body: body)
            case .query(let delay):
                try await operation.wait(milliseconds: delay)
                request = Self.put(session, type: type, contentRange: upload.contentRange(0..<0), body: [])
            case .provide: return nil
            case .finished(let description): return description
            }
            let answer: (response: HTTPResponse, body: [UInt8])
            do throws(Failure) {
                let response = try await operation.send(request)
                answer = (response, try await response.body())
            } catch {
                try upload.lost(error)
                continue
            }
            try upload.received(
                status: answer.response.status,
                range: answer.response.header("range"),
                error: UpstreamError(
                    status: answer.response.status,
                    headers: answer.response.headers,
                    body: answer.body
                ),
                body: answer.body
            )
        }
    }

    /// Never sent again by the host: only the server knows how much of it arrived.
    private static func put(_ session: String, type: String, contentRange: String, body: [Segment]) -> HTTPRequest {
        HTTPRequest(
            method: "PUT",
            url: session,
            headers: [Header("Content-Type", type), Header("Content-Range", contentRange)],
            body: body,
            allowsRetry: false
        )
    }

    // MARK: - After a failure

    /// Ends a session.
    ///
    /// A session that stays open ends by itself after a week, so a failure is merely noted.
    nonisolated(nonsending) func cancel(_ session: String) async {
        do throws(Failure) {
            let request = HTTPRequest(method: "DELETE", url: session, allowsRetry: false)
            // 499 is the success of this request.
            _ = try await operation.send(request).body()
        } catch {
            note("an upload session could not be ended", error)
        }
    }

    /// Deletes what a failed upload may have left.
    ///
    /// What cannot be deleted stays remembered, and the host finishes it.
    nonisolated(nonsending) func undo(_ object: StoredObject) async {
        do throws(Failure) {
            try await remove(object)
            try operation.forget(id: object.id)
        } catch {
            note("an object of a failed upload could not be deleted", error)
        }
    }

    func note(_ message: String, _ failure: Failure) {
        host.log(
            .debug,
            message,
            [("request.id", operation.requestID), ("failure.reason", "\(failure.reason)")]
        )
    }
}
