import GantryPlugin

/// The deployment's files: objects of one bucket under one prefix.
///
/// Source: https://cloud.google.com/storage/docs/json_api/v1, read 2026-11-22.
struct CloudStorage {
    let settings: StorageSettings
    let operation: Operation
    let sender: AuthorizedSender
    let host: Host

    static let serviceName = "Cloud Storage"

    /// The largest page that Cloud Storage gives.
    private static let pageLimit: Int64 = 1000

    /// - Returns: `{"id", "bytes", "status"}`.
    nonisolated(nonsending) func get(id: String) async throws(Failure) -> JSON {
        let object = try StoredObject(id: id, settings: settings)
        let response = try await sender.send(request("GET", path: object.path(in: settings)))
        let body = try await response.body()
        guard response.status == 200 else { throw failure(response, body) }
        return try Self.file(id: object.id, size: Self.size(of: try Self.document(body)))
    }

    /// Deletes an object; one that is not there counts as deleted.
    ///
    /// - Returns: `{"id", "deleted": true}`.
    nonisolated(nonsending) func delete(id: String) async throws(Failure) -> JSON {
        let object = try StoredObject(id: id, settings: settings)
        try await remove(object)
        try operation.forget(id: object.id)
        return ["id": .string(object.id), "deleted": true]
    }

    /// - Returns: `{"data": [{"id", "bytes"}], "next"}`.
    nonisolated(nonsending) func list(limit: Int64?, after: String?) async throws(Failure) -> JSON {
        let count = min(max(limit ?? Self.pageLimit, 1), Self.pageLimit)
        let page = try await page(prefix: "\(settings.prefix)/", limit: count, after: after)
        var data: [JSON] = []
        for item in page.items {
            // A folder's marker is not a file.
            guard !item.name.hasSuffix("/") else { continue }
            data.append(["id": .string("gs://\(settings.bucket)/\(item.name)"), "bytes": .integer(item.size)])
        }
        var result = JSONObject()
        result["data"] = .array(data)
        if let next = page.next { result["next"] = .string(next) }
        return .object(result)
    }

    /// One object of a list.
    struct ListedObject: Equatable {
        let name: String
        let size: Int64
        /// Which of the objects that had the name it is; empty where an emulator has no word for it.
        let generation: String
    }

    /// All objects whose names begin with `prefix`, up to `limit`.
    ///
    /// - Throws: `.upstreamProtocol` if there are more.
    nonisolated(nonsending) func objects(prefix: String, limit: Int) async throws(Failure) -> [ListedObject] {
        var objects: [ListedObject] = []
        var after: String?
        repeat {
            let page = try await page(prefix: prefix, limit: Self.pageLimit, after: after)
            objects.append(contentsOf: page.items)
            after = page.next
            guard objects.count <= limit else {
                throw Failure(.upstreamProtocol, "Cloud Storage has more than \(limit) objects where few should be.")
            }
        } while after != nil
        return objects
    }

    private nonisolated(nonsending) func page(
        prefix: String,
        limit: Int64,
        after: String?
    ) async throws(Failure) -> (items: [ListedObject], next: String?) {
        var query = "prefix=\(Wire.percentEncoded(prefix))&maxResults=\(limit)"
        if let after, !after.isEmpty { query += "&pageToken=\(Wire.percentEncoded(after))" }
        let response = try await sender.send(request("GET", path: "/storage/v1/b/\(settings.bucket)/o?\(query)"))
        let body = try await response.body()
        guard response.status == 200 else { throw failure(response, body) }
        let page = try Self.document(body)
        var items: [ListedObject] = []
        for item in page["items"]?.array ?? [] {
            guard let name = item["name"]?.string else { throw Self.unreadable }
            // Emulators are not all strict about the prefix.
            guard name.hasPrefix(prefix) else { continue }
            let generation = item["generation"]?.string ?? ""
            items.append(
                ListedObject(
                    name: name,
                    size: try Self.size(of: item),
                    generation: generation.utf8.allSatisfy(Wire.isDigit) ? generation : ""
                )
            )
        }
        let next = page["nextPageToken"]?.string
        // A page that leads to itself would never end.
        guard next == nil || next != after else { throw Self.unreadable }
        return (items, next?.isEmpty == false ? next : nil)
    }

    /// Reads a range of an object that lies in it as a whole.
    nonisolated(nonsending) func bytes(
        of object: StoredObject,
        _ range: Range<Int64>,
        generation: String
    ) async throws(Failure) -> [UInt8] {
        let condition = generation.isEmpty ? "" : "&generation=\(generation)"
        var request = request("GET", path: object.path(in: settings) + "?alt=media" + condition)
        request.headers.append(Header("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        let response = try await sender.send(request)
        let body = try await response.body()
        guard response.status == 206 || (response.status == 200 && range.lowerBound == 0) else {
            throw failure(response, body)
        }
        guard body.count == range.count else {
            throw Failure(
                .upstreamProtocol,
                "Cloud Storage gave \(body.count) bytes of an object where \(range.count) were asked for.",
                isRetryable: true
            )
        }
        return body
    }

    /// Gives an object's bytes to the client, or those that its `Range` header names.
    nonisolated(nonsending) func content(id: String, range: String?) async throws(Failure) {
        let object = try StoredObject(id: id, settings: settings)
        var request = request("GET", path: object.path(in: settings) + "?alt=media")
        request.framing = .raw
        if let range {
            guard Wire.isName(range, others: "=-, ", limit: 256) else {
                throw Failure(.invalid, "The Range header cannot be understood.", parameter: "range")
            }
            request.headers.append(Header("Range", range))
        }
        let response = try await sender.send(request)
        guard response.status == 200 || response.status == 206 else {
            throw failure(response, try await response.body())
        }
        try await response.pipe()
    }

    /// Deletes an object that may be gone already.
    nonisolated(nonsending) func remove(_ object: StoredObject) async throws(Failure) {
        try await delete(path: object.path(in: settings))
    }

    /// Deletes what stands at a path, or does not stand there any more.
    nonisolated(nonsending) func delete(path: String) async throws(Failure) {
        let response = try await sender.send(request("DELETE", path: path))
        let body = try await response.body()
        // Cloud Storage answers 204, emulators also 200.
        guard [200, 204, 404].contains(response.status) else { throw failure(response, body) }
    }

    func failure(_ response: HTTPResponse, _ body: [UInt8]) -> Failure {
        UpstreamError(status: response.status, headers: response.headers, body: body)
            .failure(service: Self.serviceName)
    }

    private func request(_ method: String, path: String) -> HTTPRequest {
        HTTPRequest(method: method, url: settings.origin + path, isIdempotent: true)
    }

    // MARK: - Answers

    static let unreadable = Failure(
        .upstreamProtocol,
        "Cloud Storage's answer cannot be understood.",
        mayFallBack: true
    )

    static func document(_ body: [UInt8]) throws(Failure) -> JSON {
        guard let document = Wire.document(body), document.object != nil else { throw unreadable }
        return document
    }

    /// An object's size; Cloud Storage writes it as a string.
    static func size(of object: JSON) throws(Failure) -> Int64 {
        let size = object["size"]
        guard let bytes = size?.string.flatMap({ Int64($0) }) ?? size?.integer, bytes >= 0 else { throw unreadable }
        return bytes
    }

    /// An object can be read as soon as it is there.
    static func file(id: String, size: Int64) -> JSON {
        ["id": .string(id), "bytes": .integer(size), "status": "processed"]
    }
}
