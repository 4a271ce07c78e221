import HTTPTypes

/// `/v1/files` without its creation.
struct OpenAIFileRoutes {
    private static let largestPage = 10_000

    let files: OpenAIFiles
    let account: String

    /// Answers `GET /v1/files`.
    func list(_ request: Incoming) throws -> Reply {
        for field in request.query where !["after", "limit", "order", "purpose"].contains(field.name) {
            throw OpenAIError.invalid(
                "Unknown parameter: '\(field.name)'.",
                param: field.name,
                code: "unknown_parameter"
            )
        }
        let limit = try limit(of: request)
        var all = try files.all(of: account)
        switch request.query("order") ?? "desc" {
        case "asc": break
        case "desc": all.reverse()
        default:
            throw OpenAIError.invalid(
                "Invalid 'order': expected 'asc' or 'desc'.",
                param: "order",
                code: "invalid_value"
            )
        }
        if let purpose = request.query("purpose") { all.removeAll { $0.purpose != purpose } }
        if let after = request.query("after") {
            guard let index = all.firstIndex(where: { $0.id == after }) else {
                throw OpenAIError.invalid("No such File object: \(after)", param: "after")
            }
            all.removeFirst(index + 1)
        }
        let page = all.prefix(limit)
        return .json([
            "object": "list", "data": .array(page.map(\.json)), "first_id": .string(page.first?.id ?? ""),
            "last_id": .string(page.last?.id ?? ""), "has_more": .bool(all.count > page.count),
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

    private func limit(of request: Incoming) throws -> Int {
        guard let text = request.query("limit") else { return Self.largestPage }
        guard let limit = Int(text) else {
            throw OpenAIError.invalid("Invalid 'limit': expected an integer.", param: "limit", code: "invalid_type")
        }
        guard limit >= 1 else {
            let message =
                "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got \(limit) instead."
            throw OpenAIError.invalid(message, param: "limit", code: "integer_below_min_value")
        }
        guard limit <= Self.largestPage else {
            let message =
                "Invalid 'limit': integer above maximum value. Expected a value <= 10000, but got \(limit) instead."
            throw OpenAIError.invalid(message, param: "limit", code: "integer_above_max_value")
        }
        return limit
    }
}
