import HTTPTypes

/// `/v1/fine_tuning/jobs`.
struct FineTuningRoutes {
    private static let limits = 1...100
    private static let usual = 20
    private static let usualCheckpoints = 10

    let jobs: OpenAIJobs
    let account: OpenAIAccount

    /// Answers a request whose path begins with `/v1/fine_tuning`; nil if there is no such route.
    func reply(to request: Incoming) async throws -> Reply? {
        let segments = request.segments
        guard segments.count > 2, segments[2] == "jobs" else { return nil }
        switch (request.method, segments.count) {
        case (.post, 3): return .json(try await jobs.create(try await request.json(), for: account))
        case (.get, 3): return try list(request)
        case (.get, 4): return .json(try await jobs.retrieve(segments[3], for: account))
        case (.post, 5) where ["cancel", "pause", "resume"].contains(segments[4]):
            try await request.checkEmptyBody()
            return .json(try await jobs.perform(segments[4], on: segments[3], for: account))
        case (.get, 5) where segments[4] == "events": return try events(of: segments[3], request)
        case (.get, 5) where segments[4] == "checkpoints": return try checkpoints(of: segments[3], request)
        default: return nil
        }
    }

    private func list(_ request: Incoming) throws -> Reply {
        let page = try OpenAIPage(request, fields: ["metadata"], limits: Self.limits, usual: Self.usual)
        var all = jobs.records.all(of: account.name)
        for field in request.query where field.name.hasPrefix("metadata[") && field.name.hasSuffix("]") {
            let key = String(field.name.dropFirst("metadata[".count).dropLast())
            all.removeAll { $0.metadata?[key]?.string != field.value }
        }
        let (elements, hasMore) = try page.elements(of: all, kind: "FineTuningJob", id: \.id)
        return .json(["object": "list", "data": .array(elements.map(\.json)), "has_more": .bool(hasMore)])
    }

    private func events(of id: String, _ request: Incoming) throws -> Reply {
        let page = try OpenAIPage(request, limits: Self.limits, usual: Self.usual)
        let all = try jobs.job(id, of: account).events
        let (elements, hasMore) = try page.elements(of: all, kind: "FineTuningJobEvent", id: \.id)
        return .json(["object": "list", "data": .array(elements.map(\.json)), "has_more": .bool(hasMore)])
    }

    private func checkpoints(of id: String, _ request: Incoming) throws -> Reply {
        let page = try OpenAIPage(request, limits: Self.limits, usual: Self.usualCheckpoints)
        let all = try jobs.job(id, of: account).checkpoints
        let (elements, hasMore) = try page.elements(of: all, kind: "FineTuningJobCheckpoint", id: \.id)
        return .json([
            "object": "list", "data": .array(elements.map { $0.json(of: id) }),
            "first_id": elements.first.map { .string($0.id) } ?? .null,
            "last_id": elements.last.map { .string($0.id) } ?? .null, "has_more": .bool(hasMore),
        ])
    }
}
