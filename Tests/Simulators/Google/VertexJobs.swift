import Foundation
import Synchronization

/// The jobs of all projects.
final class VertexJobs: Sendable {
    private struct State {
        var jobs: [String: VertexJob]
        var plan = VertexJob.Plan()
        var held: Set<VertexJob.Kind> = []
    }

    private let records: RecordStore<VertexJob>
    private let state: Mutex<State>

    init(directory: URL) throws {
        records = try RecordStore(directory: directory.appending(path: "jobs"))
        state = Mutex(State(jobs: Dictionary(uniqueKeysWithValues: try records.all().map { ($0.id, $0) })))
    }

    /// What tests have planned for the jobs that are still to be made.
    var plan: VertexJob.Plan {
        get { state.withLock { $0.plan } }
        set { state.withLock { $0.plan = newValue } }
    }

    /// Keeps jobs of a kind from moving on when they are read, or lets them again.
    func hold(_ kind: VertexJob.Kind, _ isHeld: Bool) {
        state.withLock { state in
            if isHeld { state.held.insert(kind) } else { state.held.remove(kind) }
        }
    }

    func isHeld(_ kind: VertexJob.Kind) -> Bool { state.withLock { $0.held.contains(kind) } }

    /// The jobs of a kind, of all accounts or of one, that are not over; oldest first.
    func open(_ kind: VertexJob.Kind, of account: String?) -> [VertexJob] {
        state.withLock { state in
            state.jobs.values
                .filter { $0.kind == kind && !$0.isOver && (account == nil || $0.account == account) }
                .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        }
    }

    func add(
        _ kind: VertexJob.Kind,
        request: JSON,
        account: String,
        location: String,
        at seconds: Int
    ) throws -> VertexJob {
        try state.withLock { state in
            let job = VertexJob(
                id: String(UInt64.random(in: 1_000_000_000_000_000_000...9_000_000_000_000_000_000)),
                kind: kind,
                account: account,
                location: location,
                request: request.text,
                createdAt: seconds,
                updatedAt: seconds,
                plan: state.plan
            )
            try records.save(job, id: job.id)
            state.jobs[job.id] = job
            return job
        }
    }

    /// The job of that identifier.
    func job(_ id: String) -> VertexJob? { state.withLock { $0.jobs[id] } }

    /// Changes a job; nobody else sees it half changed, and two who move it on do so one after the other.
    ///
    /// - Returns: The job as it is now, nil where there is none.
    func update(_ id: String, _ change: (inout VertexJob) throws -> Void) throws -> VertexJob? {
        try state.withLock { state in
            guard var job = state.jobs[id] else { return nil }
            try change(&job)
            try records.save(job, id: id)
            state.jobs[id] = job
            return job
        }
    }

    /// Removes a job; one that is not there counts as removed.
    func remove(_ id: String) throws {
        try state.withLock { state in
            state.jobs[id] = nil
            try records.remove(id: id)
        }
    }

    /// An account's jobs of a kind, newest first.
    func all(_ kind: VertexJob.Kind, of account: String, in location: String) -> [VertexJob] {
        state.withLock { state in
            state.jobs.values
                .filter { $0.kind == kind && $0.account == account && $0.location == location }
                .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
        }
    }

    /// The model that answers at an account's endpoint: what a tuning job has made.
    func tunedModel(endpoint: String, of account: String, in location: String) throws -> GeminiModel? {
        let name = "projects/\(AccessGrant.projectNumber(of: account))/locations/\(location)/endpoints/\(endpoint)"
        for job in all(.tuning, of: account, in: location) {
            let tuned = try job.result.map { try JSONParser.parse($0.utf8) }?["tunedModel"]
            let checkpoints = tuned?["checkpoints"]?.array ?? []
            guard tuned?["endpoint"]?.string == name || checkpoints.contains(where: { $0["endpoint"]?.string == name })
            else { continue }
            let base = try JSONParser.parse(job.request.utf8)["baseModel"]?.string ?? ""
            return GeminiModel.named(base)?.tuned(as: endpoint)
        }
        return nil
    }

    func reset() throws {
        let ids = state.withLock { state in
            state.plan = VertexJob.Plan()
            state.held = []
            return Array(state.jobs.keys)
        }
        for id in ids { try remove(id) }
    }

    /// What `GET /_sim/state` shows.
    func json() throws -> JSON {
        let jobs = state.withLock { $0.jobs.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) } }
        return .array(try jobs.map { try $0.stateJSON() })
    }
}
