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

extension CloudStorage {
    /// Uploads the operation's source.
    ///
    /// - Returns: `{"id", "bytes", "status"}`.
    nonisolated(nonsending) func create(_ file: NewFile) async throws(Failure) -> JSON {
        let object = try StoredObject(unique: file.uniqueName, filename: file.filename, settings: settings)
        // Before the session: from then on a crash could leave an object that nobody knows.
        try operation.remember(id: object.id)
        let session: String
        do throws(Failure) {
            session = try await beginPatiently(file, object)
        } catch {
            // No byte was sent, so there is nothing of ours; what else has the name is not ours to delete.
            if error.reason != .cancelled { try operation.forget(id: object.id) }
            throw error
        }
        do throws(Failure) {
            let description = try await send(file, to: session)
            guard try Self.size(of: try Self.document(description)) == Int64(file.size) else {
                throw Failure(
                    .upstreamProtocol,
                    "Cloud Storage did not keep all of the file.",
                    isRetryable: true,
                    mayFallBack: true
                )
            }
        } catch {
            if error.reason != .cancelled {
                await cancel(session)
                await undo(object)
            }
            throw error
        }
        return Self.file(id: object.id, size: Int64(file.size))
    }

    /// Opens an upload session; trying again after a passing failure costs nothing, since nothing was sent yet.
    private nonisolated(nonsending) func beginPatiently(
        _ file: NewFile,
        _ object: StoredObject
    ) async throws(Failure) -> String {
        for pause: UInt64 in [500, 1500] {
            do throws(Failure) {
                return try await begin(file, object)
            } catch {
                guard error.reason == .upstreamUnavailable, error.isRetryable else { throw error }
            }
            try await operation.wait(milliseconds: pause)
        }
        return try await begin(file, object)
    }

    /// Opens an upload session.
    ///
    /// - Returns: Its URL, which needs no token.
    private nonisolated(nonsending) func begin(_ file: NewFile, _ object: StoredObject) async throws(Failure) -> String
    {
        var metadata = JSONObject()
        metadata["purpose"] = file.purpose.map { .string($0) }
        metadata["sha256"] = file.sha256.map { .string($0) }
        let description: JSON = ["contentType": .string(file.type), "metadata": .object(metadata)]
        let query = "uploadType=resumable&name=\(Wire.percentEncoded(object.name))&ifGenerationMatch=0"
        let request = HTTPRequest(
            method: "POST",
            url: "\(settings.origin)/upload/storage/v1/b/\(settings.bucket)/o?\(query)",
            headers: [
                Header("Content-Type", Wire.jsonContentType),
                Header("X-Upload-Content-Type", file.type),
                Header("X-Upload-Content-Length", String(file.size)),
            ],
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

    /// - Returns: The description of the finished object.
    private nonisolated(nonsending) func send(_ file: NewFile, to session: String) async throws(Failure) -> [UInt8] {
        var upload = ResumableUpload(total: file.size)
        while true {
            let request: HTTPRequest
            switch upload.step {
            case .send(let range): request = Self.piece(range, of: file, to: session)
            case .query(let delay):
                try await operation.wait(milliseconds: delay)
                request = Self.put(session, type: file.type, contentRange: "bytes */\(file.size)", body: [])
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

    private static func piece(_ range: Range<UInt64>, of file: NewFile, to session: String) -> HTTPRequest {
        guard !range.isEmpty else { return put(session, type: file.type, contentRange: "bytes */0", body: []) }
        return put(
            session,
            type: file.type,
            contentRange: "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)",
            body: [.source(offset: range.lowerBound, length: range.upperBound - range.lowerBound)]
        )
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
    private nonisolated(nonsending) func cancel(_ session: String) async {
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
    private nonisolated(nonsending) func undo(_ object: StoredObject) async {
        do throws(Failure) {
            try await remove(object)
            try operation.forget(id: object.id)
        } catch {
            note("an object of a failed upload could not be deleted", error)
        }
    }

    private func note(_ message: String, _ failure: Failure) {
        host.log(
            .debug,
            message,
            [("request.id", operation.requestID), ("failure.reason", "\(failure.reason)")]
        )
    }
}
