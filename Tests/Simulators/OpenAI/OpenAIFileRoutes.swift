import HTTPTypes

/// `/v1/files` without its creation.
struct OpenAIFileRoutes {
    private static let largestPage = 10_000

    let files: OpenAIFiles
    let account: String

    /// Answers `GET /v1/files`.
    func list(_ request: Incoming) throws -> Reply {
        let page = try OpenAIPage(
            request,
            fields: ["order", "purpose"],
            limits: 1...Self.largestPage,
            usual: Self.largestPage
        )
        var all = try files.all(of: account)
        if let purpose = request.query("purpose") { all.removeAll { $0.purpose != purpose } }
        let (elements, hasMore) = try page.elements(of: all, kind: "File", id: \.id)
        return .json([
            "object": "list", "data": .array(elements.map(\.json)), "first_id": .string(elements.first?.id ?? ""),
            "last_id": .string(elements.last?.id ?? ""), "has_more": .bool(hasMore),
        ])
    }

    /// Answers `GET /v1/files/{id}`.
    func retrieve(_ id: String) throws -> Reply {
        .json(try file(id).json)
    }

    /// Answers `GET /v1/files/{id}/content`.
    func content(_ id: String) throws -> Reply {
        let file = try file(id)
        guard OpenAIFile.downloadablePurposes.contains(file.purpose) else {
            throw OpenAIError.invalid("Not allowed to download files of purpose: \(file.purpose)")
        }
        let headers: HTTPFields = [
            .contentType: "application/octet-stream",
            .contentDisposition: "attachment; filename=\"\(file.filename.filter { $0 != "\"" && $0.isASCII })\"",
        ]
        return Reply(status: 200, headers: headers, body: .blob(files.blobs, file.blob, 0..<file.blob.bytes))
    }

    /// Answers `DELETE /v1/files/{id}`.
    func delete(_ id: String) throws -> Reply {
        try files.remove(try file(id))
        return .json(["object": "file", "deleted": true, "id": .string(id)])
    }

    private func file(_ id: String) throws -> OpenAIFile {
        guard let file = try files.file(id, of: account) else {
            throw OpenAIError(status: 404, message: "No such File object: \(id)", param: "id")
        }
        return file
    }
}
