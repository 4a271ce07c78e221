import GantryPlugin

/// Vertex AI's jobs of one kind: `batchPredictionJobs` or `tuningJobs`.
///
/// Source: https://cloud.google.com/vertex-ai/docs/reference/rest, read 2026-11-23.
struct ProviderJobs {
    private static let pageLimit = 100

    let collection: String
    let settings: Settings
    let operation: Operation

    /// - Returns: The job that has been made.
    nonisolated(nonsending) func create(_ body: JSON) async throws(Failure) -> JSON {
        let request = HTTPRequest(
            method: "POST",
            url: url(""),
            headers: [Header("Content-Type", "application/json")],
            body: [.bytes(body.serialized())],
            allowsRetry: false  // sent twice it may be two jobs, of which nobody would know one
        )
        return try await job(request)
    }

    /// - Returns: The job as it is now.
    nonisolated(nonsending) func get(_ id: String) async throws(Failure) -> JSON {
        try await job(HTTPRequest(method: "GET", url: url(of: id), isIdempotent: true))
    }

    /// Asks for a job's end; one that has ended stays as it is.
    ///
    /// - Returns: The job as it is afterwards.
    nonisolated(nonsending) func cancel(_ id: String) async throws(Failure) -> JSON {
        let request = HTTPRequest(
            method: "POST",
            url: try url(of: id) + ":cancel",
            headers: [Header("Content-Type", "application/json")],
            body: [.text("{}")],
            isIdempotent: true
        )
        let response = try await sender.send(request)
        let body = try await response.body()
        guard response.status != 200 else { return try await get(id) }
        let failure = failure(response, body)
        guard [400, 409].contains(response.status) else { throw failure }
        let job = try await get(id)
        guard JobState(job).isOver else { throw failure }
        return job
    }

    /// One page of the jobs, and where the next one begins.
    nonisolated(nonsending) func list(
        filter: String?,
        after: String?
    ) async throws(Failure) -> (jobs: [JSON], next: String?) {
        var query = "?pageSize=\(Self.pageLimit)"
        if let filter { query += "&filter=\(Wire.percentEncoded(filter))" }
        if let after, !after.isEmpty { query += "&pageToken=\(Wire.percentEncoded(after))" }
        let response = try await sender.send(HTTPRequest(method: "GET", url: url(query), isIdempotent: true))
        let body = try await response.body()
        guard response.status == 200 else { throw failure(response, body) }
        guard let page = Wire.document(body), page.object != nil else { throw Self.unreadable }
        let next = page["nextPageToken"]?.string
        guard next == nil || next != after else { throw Self.unreadable }
        return (page[collection]?.array ?? [], next?.isEmpty == false ? next : nil)
    }

    /// A page as the host wants it: the ids of those jobs that fit.
    nonisolated(nonsending) func search(
        filter: String?,
        after: String?,
        _ fits: (JSON) -> Bool
    ) async throws(Failure) -> JSON {
        let page = try await list(filter: filter, after: after)
        var data: [JSON] = []
        for job in page.jobs where fits(job) { data.append(["id": .string(try id(of: job))]) }
        var result = JSONObject()
        result["data"] = .array(data)
        result["next"] = page.next.map { .string($0) }
        return .object(result)
    }

    /// The id of a job that Vertex AI has shown: its name.
    func id(of job: JSON) throws(Failure) -> String {
        guard let name = job["name"]?.string.flatMap({ ResourceName($0, collection: collection) }) else {
            throw Self.unreadable
        }
        return name.text
    }

    private nonisolated(nonsending) func job(_ request: HTTPRequest) async throws(Failure) -> JSON {
        let response = try await sender.send(request)
        let body = try await response.body()
        guard response.status == 200 else { throw failure(response, body) }
        guard let job = Wire.document(body) else { throw Self.unreadable }
        _ = try id(of: job)
        return job
    }

    private var sender: AuthorizedSender {
        AuthorizedSender(operation: operation, quotaProject: settings.credentials.quotaProjectID)
    }

    private func url(_ query: String) -> String {
        "\(settings.vertexOrigin)/v1/projects/\(settings.project)/locations/\(settings.location)/\(collection)\(query)"
    }

    private func url(of id: String) throws(Failure) -> String {
        guard let name = ResourceName(id, collection: collection), name.location == settings.location else {
            throw Failure(.invalid, "The id is not one of a job in this deployment's location.", parameter: "id")
        }
        return "\(settings.vertexOrigin)/v1/\(name.text)"
    }

    private func failure(_ response: HTTPResponse, _ body: [UInt8]) -> Failure {
        UpstreamError(status: response.status, headers: response.headers, body: body)
            .failure(service: Wire.providerName)
    }

    private static let unreadable = Failure(.upstreamProtocol, "\(Wire.providerName)'s answer cannot be understood.")
}

/// How far a job is.
enum JobState: Equatable {
    case waiting
    case running
    case paused
    case cancelling
    case succeeded
    case failed
    case cancelled
    case expired
    /// A word that nobody here knows.
    case unknown(String)

    init(_ job: JSON) {
        let word = job["state"]?.string ?? ""
        switch word {
        case "JOB_STATE_QUEUED", "JOB_STATE_PENDING": self = .waiting
        case "JOB_STATE_RUNNING", "JOB_STATE_UPDATING": self = .running
        case "JOB_STATE_PAUSED": self = .paused
        case "JOB_STATE_CANCELLING": self = .cancelling
        case "JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED": self = .succeeded
        case "JOB_STATE_FAILED": self = .failed
        case "JOB_STATE_CANCELLED": self = .cancelled
        case "JOB_STATE_EXPIRED": self = .expired
        default: self = .unknown(Wire.isName(word, others: "_-", limit: 64) ? word : "UNREADABLE")
        }
    }

    /// Whether nothing will change any more, as far as anybody here knows.
    var isOver: Bool { [.succeeded, .failed, .cancelled, .expired].contains(self) }

    /// Whether the job may still write.
    var isActive: Bool { [.waiting, .running, .paused, .cancelling].contains(self) }
}

extension JSON {
    /// The error that a job has ended with: `google.rpc.Status`.
    var jobError: (code: String, message: String)? {
        guard let error = self["error"], error.object != nil else { return nil }
        let names: [Int64: String] = [
            1: "cancelled", 3: "invalid_argument", 4: "deadline_exceeded", 5: "not_found", 7: "permission_denied",
            8: "resource_exhausted", 9: "failed_precondition", 13: "internal", 14: "unavailable",
        ]
        let code = error["code"]?.integer.flatMap { names[$0] } ?? "job_failed"
        let message = UpstreamError(status: nil, error: error).message
        return (code, message.isEmpty ? "\(Wire.providerName) gave no reason." : message)
    }

    /// A count that Google writes as a string and leaves out where it is zero.
    func count(_ name: String) -> Int64 {
        let value = self[name]?.string.flatMap { Int64($0) } ?? self[name]?.integer ?? 0
        // Bounded, so that no answer can make the sums overflow.
        return min(max(value, 0), 1 << 50)
    }
}
