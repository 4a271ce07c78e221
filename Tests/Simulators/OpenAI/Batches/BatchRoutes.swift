import HTTPTypes

/// `/v1/batches`.
struct BatchRoutes {
    private static let limits = 1...100
    private static let usual = 20

    let batches: OpenAIBatches
    let account: OpenAIAccount

    /// Answers a request whose path begins with `/v1/batches`; nil if there is no such route.
    func reply(to request: Incoming) async throws -> Reply? {
        let segments = request.segments
        switch (request.method, segments.count) {
        case (.post, 2): return .json(try await batches.create(try await request.json(), for: account))
        case (.get, 2): return try list(request)
        case (.get, 3): return .json(try await batches.retrieve(segments[2], for: account))
        case (.post, 4) where segments[3] == "cancel":
            try await request.checkEmptyBody()
            return .json(try await batches.cancel(segments[2], for: account))
        default: return nil
        }
    }

    private func list(_ request: Incoming) throws -> Reply {
        let page = try OpenAIPage(request, limits: Self.limits, usual: Self.usual)
        let all = batches.records.all(of: account.name)
        let (elements, hasMore) = try page.elements(of: all, kind: "Batch", id: \.id)
        return .json([
            "object": "list", "data": .array(elements.map(\.json)),
            "first_id": elements.first.map { .string($0.id) } ?? .null,
            "last_id": elements.last.map { .string($0.id) } ?? .null, "has_more": .bool(hasMore),
        ])
    }
}
