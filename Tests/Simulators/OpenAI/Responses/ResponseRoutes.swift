import HTTPTypes

/// `/v1/responses`.
struct ResponseRoutes {
    private static let limits = 1...100
    private static let usual = 20

    let account: OpenAIAccount
    private var responses: OpenAIResponses { account.responses }

    init(account: OpenAIAccount) { self.account = account }

    /// Answers a request whose path begins with `/v1/responses`; nil if there is no such route.
    func reply(to request: Incoming) async throws -> Reply? {
        let segments = request.segments
        switch (request.method, segments.count) {
        case (.post, 2): return try responses.create(try await request.json(), for: account)
        case (.get, 3): return try retrieve(segments[2], request)
        case (.delete, 3): return .json(try responses.delete(segments[2], for: account))
        case (.post, 4) where segments[3] == "cancel":
            try await request.checkEmptyBody()
            return .json(try responses.cancel(segments[2], for: account))
        case (.get, 4) where segments[3] == "input_items": return try items(of: segments[2], request)
        default: return nil
        }
    }

    private func retrieve(_ id: String, _ request: Incoming) throws -> Reply {
        let known = ["include", "include[]", "stream", "starting_after", "include_obfuscation"]
        for field in request.query where !known.contains(field.name) {
            throw OpenAIError.invalid(
                "Unknown parameter: '\(field.name)'.",
                param: field.name,
                code: "unknown_parameter"
            )
        }
        let isStreamed: Bool
        switch request.query("stream") ?? "false" {
        case "true": isStreamed = true
        case "false": isStreamed = false
        default:
            throw OpenAIError.invalid("Invalid 'stream': expected a boolean.", param: "stream", code: "invalid_type")
        }
        var start = -1
        if let text = request.query("starting_after") {
            guard isStreamed, let number = Int(text), number >= 0 else {
                let message = "Invalid 'starting_after': expected an event's number, and 'stream' to be true."
                throw OpenAIError.invalid(message, param: "starting_after", code: "invalid_value")
            }
            start = number
        }
        return try responses.retrieve(id, for: account, isStreamed: isStreamed, after: start)
    }

    private func items(of id: String, _ request: Incoming) throws -> Reply {
        let page = try OpenAIPage(request, fields: ["order", "include"], limits: Self.limits, usual: Self.usual)
        let all = try responses.record(id, of: account).items
        let (elements, hasMore) = try page.elements(of: all, kind: "Item") { $0["id"]?.string ?? "" }
        return .json([
            "object": "list", "data": .array(Array(elements)), "first_id": elements.first?["id"] ?? .null,
            "last_id": elements.last?["id"] ?? .null, "has_more": .bool(hasMore),
        ])
    }
}
