/// One batch prediction or tuning job.
struct VertexJob: Codable, Sendable {
    /// The collection that the job belongs to, as paths name it.
    enum Kind: String, Codable, Sendable {
        case batch = "batchPredictionJobs"
        case tuning = "tuningJobs"
    }

    /// How a job that was not cancelled ends.
    enum Outcome: String, Codable, CaseIterable, Sendable {
        case succeeded
        case partiallySucceeded = "partially_succeeded"
        case failed
        case expired
        case cancelled

        var state: String {
            switch self {
            case .succeeded: "JOB_STATE_SUCCEEDED"
            case .partiallySucceeded: "JOB_STATE_PARTIALLY_SUCCEEDED"
            case .failed: "JOB_STATE_FAILED"
            case .expired: "JOB_STATE_EXPIRED"
            case .cancelled: "JOB_STATE_CANCELLED"
            }
        }
    }

    /// What tests have planned for a job.
    struct Plan: Codable, Sendable {
        var outcome = Outcome.succeeded
        /// The error's text where the job fails.
        var message: String?
        /// How many lines of a batch are answered; nil for all where it succeeds, and none where it does not.
        var lines: Int?
        /// Files that a batch's predictions are spread over; nil for one that is called `predictions.jsonl`.
        var shards: Int?
        /// What is written into the predictions as it is, after the lines.
        var garbage: String?
    }

    /// Why a job ended without its result: a code of `google.rpc.Code` and a text.
    struct Problem: Codable, Error, Sendable {
        let code: Int
        let message: String
    }

    let id: String
    let kind: Kind
    let account: String
    let location: String
    /// The members that the client gave, as JSON text.
    let request: String
    let createdAt: Int
    var state = "JOB_STATE_PENDING"
    var startedAt: Int?
    var endedAt: Int?
    var updatedAt: Int
    var plan: Plan
    /// A state that is shown in the place of the real one.
    var report: String?
    var problem: Problem?
    /// The members that the job's end has added, as JSON text.
    var result: String?

    /// The resource's name, in which the project is a number.
    var name: String {
        "projects/\(AccessGrant.projectNumber(of: account))/locations/\(location)/\(kind.rawValue)/\(id)"
    }

    /// Whether the job has ended.
    var isOver: Bool { Outcome.allCases.contains { $0.state == state } }

    /// The job as the simulator's state shows it.
    func stateJSON() throws -> JSON {
        [
            "id": .string(id), "kind": kind == .batch ? "batch" : "job", "account": .string(account),
            "location": .string(location), "state": .string(state), "resource": try json(),
        ]
    }

    /// The resource as the API shows it: members without a value are left out.
    func json() throws -> JSON {
        var json = JSONObject()
        json["name"] = .string(name)
        for text in [request, result ?? "{}"] {
            for member in try JSONParser.parse(text.utf8).object?.members ?? [] { json[member.key] = member.value }
        }
        json["state"] = .string(report ?? state)
        json["createTime"] = .string(createdAt.timestamp)
        json["startTime"] = startedAt.map { .string($0.timestamp) }
        json["endTime"] = endedAt.map { .string($0.timestamp) }
        json["updateTime"] = .string(updatedAt.timestamp)
        json["error"] = problem.map { ["code": .integer($0.code), "message": .string($0.message)] }
        return .object(json)
    }
}

extension AccessGrant {
    /// What an account may do with everything; jobs act with it after their client has gone.
    static func whole(of account: String) -> AccessGrant {
        AccessGrant(
            account: account,
            scopes: ["https://www.googleapis.com/auth/cloud-platform"],
            expiresAt: .max,
            epoch: 0
        )
    }

    var projectNumber: String { Self.projectNumber(of: account) }

    /// Google names a project by its number in what it answers, and takes either: always the same twelve digits.
    static func projectNumber(of account: String) -> String {
        let hash = account.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        return String(100_000_000_000 + hash % 900_000_000_000)
    }
}
