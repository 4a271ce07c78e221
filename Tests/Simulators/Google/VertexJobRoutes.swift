import HTTPTypes
import NIOCore

/// `batchPredictionJobs` and `tuningJobs`: create, get, list, `:cancel`, and for batches DELETE.
///
/// Source: https://aiplatform.googleapis.com/$discovery/rest?version=v1, read 2026-11-23.
struct VertexJobRoutes {
    private static let bodyLimit = 1024 * 1024
    private static let largestPage = 100

    let kind: VertexJob.Kind
    let location: String
    let storage: CloudStorage
    let jobs: VertexJobs
    let grant: AccessGrant
    let clock: SimulatedClock

    func reply(to request: Incoming) async throws -> Reply {
        let rest = request.segments.dropFirst(6)
        switch (request.method, rest.count) {
        case (.post, 0) where request.segments[5] == kind.rawValue:
            try Self.check(request, allows: [])
            return try await create(request)
        case (.get, 0) where request.segments[5] == kind.rawValue:
            try Self.check(request, allows: ["pageSize", "pageToken", "filter"])
            return try list(request)
        default: break
        }
        guard rest.count == 1, let last = rest.last else { throw VertexRoutes.unknownPath(request) }
        try Self.check(request, allows: [])
        let parts = last.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let job = try job(parts[0])
        switch (request.method, parts.dropFirst().joined(separator: ":")) {
        case (.get, "") where parts.count == 1: return .json(try moved(job).json())
        case (.post, "cancel"):
            guard try await request.body(upTo: Self.bodyLimit).readableBytes <= 2 else {
                throw GoogleError.invalid("Invalid JSON payload received. The request has no members.")
            }
            return try cancel(job)
        case (.delete, "") where parts.count == 1 && kind == .batch: return try delete(job)
        default: throw VertexRoutes.unknownPath(request)
        }
    }

    private static func check(_ request: Incoming, allows names: [String]) throws {
        for field in request.query where !(names + ["alt", "$alt", "prettyPrint", "fields"]).contains(field.name) {
            throw GoogleError.invalid(
                "Invalid JSON payload received. Unknown name \"\(field.name)\": Cannot bind query parameter."
            )
        }
    }

    private func job(_ id: String) throws -> VertexJob {
        guard let job = jobs.job(id), job.kind == kind, job.account == grant.account, job.location == location else {
            let name = "projects/\(grant.project)/locations/\(location)/\(kind.rawValue)/\(id)"
            throw GoogleError.rpc(404, "NOT_FOUND", "The \(kind.resource) \(name) does not exist.")
        }
        return job
    }

    private func create(_ request: Incoming) async throws -> Reply {
        guard request.mediaType == "application/json" else {
            throw GoogleError.invalid("Invalid Content-Type: expected application/json.")
        }
        let body = try JSONParser.parse(try await request.body(upTo: Self.bodyLimit).readableBytesView)
        let checked =
            try kind == .batch
            ? VertexJobShape.batch(body, grant: grant, location: location) : VertexJobShape.tuning(body)
        let job = try jobs.add(
            kind,
            request: checked,
            account: grant.account,
            location: location,
            at: clock.unixSeconds
        )
        return .json(try job.json())
    }

    /// Reading a job moves it on by one state, unless tests hold it or show another state.
    private func moved(_ job: VertexJob) throws -> VertexJob {
        guard !jobs.isHeld(kind), !job.isOver, job.report == nil else { return job }
        return try VertexJobRun(storage: storage, jobs: jobs, clock: clock).advance(job.id) ?? job
    }

    private func cancel(_ job: VertexJob) throws -> Reply {
        guard !job.isOver else {
            throw GoogleError.rpc(
                400,
                "FAILED_PRECONDITION",
                "The \(kind.resource) \(job.name) is in state \(job.state) and cannot be cancelled."
            )
        }
        _ = try jobs.update(job.id) { job in
            guard !job.isOver else { return }
            job.state = "JOB_STATE_CANCELLING"
            job.updatedAt = clock.unixSeconds
        }
        return .json([:])
    }

    private func delete(_ job: VertexJob) throws -> Reply {
        guard job.isOver else {
            throw GoogleError.rpc(
                400,
                "FAILED_PRECONDITION",
                "The \(kind.resource) \(job.name) is in state \(job.state); only finished jobs can be deleted."
            )
        }
        try jobs.remove(job.id)
        return .json([
            "name": .string("\(job.name)/operations/\(RandomName.hexadecimal(16))"), "done": true,
            "response": ["@type": "type.googleapis.com/google.protobuf.Empty"],
        ])
    }

    private func list(_ request: Incoming) throws -> Reply {
        let filter = try request.query("filter").map(VertexJobFilter.init)
        let size = try request.query("pageSize").map { text in
            guard let size = Int(text), size >= 0 else { throw GoogleError.invalid("Invalid page size: \(text)") }
            return size == 0 ? Self.largestPage : min(size, Self.largestPage)
        }
        let jobs = try jobs.all(kind, of: grant.account, in: location).map { try $0.json() }
            .filter { filter?.matches($0) ?? true }
        let token = request.query("pageToken") ?? ""
        guard let start = token.isEmpty ? 0 : Int(token), (0...jobs.count).contains(start) else {
            throw GoogleError.invalid("Invalid page token.")
        }
        let end = min(start + (size ?? Self.largestPage), jobs.count)
        return .json(
            .members([
                kind.rawValue: start == end ? nil : .array(Array(jobs[start..<end])),
                "nextPageToken": end < jobs.count ? .string(String(end)) : nil,
            ])
        )
    }
}

extension VertexJob.Kind {
    /// The resource's name in messages.
    var resource: String { self == .batch ? "BatchPredictionJob" : "TuningJob" }
}

/// A list's filter: `display_name="TEXT"` or `displayName="TEXT"`, and nothing else here.
struct VertexJobFilter {
    private let displayName: String

    init(_ text: String) throws {
        guard let match = text.wholeMatch(of: /(?:display_name|displayName)\s*=\s*"([^"\\]*)"/) else {
            throw GoogleError.invalid("Invalid filter: \(text)")
        }
        displayName = String(match.1)
    }

    func matches(_ job: JSON) -> Bool { job["displayName"]?.string == displayName }
}
