import HTTPTypes

/// Vertex AI's paths under `/v1/projects/{project}/locations/{location}/`.
struct VertexRoutes {
    let storage: CloudStorage
    let jobs: VertexJobs
    let grant: AccessGrant
    let clock: SimulatedClock

    func reply(to request: Incoming) async throws -> Reply {
        let segments = request.segments
        guard segments.count >= 6, segments[1] == "projects", segments[3] == "locations" else {
            throw Self.unknownPath(request)
        }
        let location = segments[4]
        try check(project: segments[2], location: location, resource: segments.dropFirst().joined(separator: "/"))
        let collection = segments[5].prefix { $0 != ":" }
        guard let kind = VertexJob.Kind(rawValue: String(collection)) else {
            let generation = ContentGeneration(storage: storage, jobs: jobs, grant: grant, clock: clock)
            return try await generation.reply(to: request, location: location)
        }
        let routes = VertexJobRoutes(
            kind: kind,
            location: location,
            storage: storage,
            jobs: jobs,
            grant: grant,
            clock: clock
        )
        return try await routes.reply(to: request)
    }

    private func check(project: String, location: String, resource: String) throws {
        guard project == grant.project || project == grant.projectNumber else {
            let message =
                "Permission 'aiplatform.endpoints.predict' denied on resource "
                + "'//aiplatform.googleapis.com/\(resource)' (or it may not exist)."
            throw GoogleError.rpc(403, "PERMISSION_DENIED", message)
        }
        guard location == "global" || location.wholeMatch(of: /[a-z]+-[a-z]+[0-9]+/) != nil else {
            throw GoogleError.invalid("Unsupported region for Vertex AI, select from the supported regions.")
        }
    }

    static func unknownPath(_ request: Incoming) -> GoogleError {
        .rpc(404, "NOT_FOUND", "The requested URL \(request.path) was not found on this server.")
    }
}
