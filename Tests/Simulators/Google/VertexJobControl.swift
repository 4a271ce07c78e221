/// What tests do to jobs: `POST /_sim/google/hold`, `/_sim/google/advance` and `/_sim/google/plan`.
struct VertexJobControl {
    private static let hold = Shape.record(["batch": .bool, "job": .bool])

    private static let plan: [String: Shape] = [
        "to": .choice(VertexJob.Outcome.allCases.map(\.rawValue)), "message": .string, "completed": .integer,
        "shards": .integer, "garbage": .string,
    ]

    private static let advance = Shape.record(
        plan.merging(
            [
                "to": .choice(["running", "cancelling"] + VertexJob.Outcome.allCases.map(\.rawValue)), "id": .string,
                "kind": .choice(["batch", "job"]), "account": .string, "report": .string, "vanish": .bool,
            ]
        ) { _, new in new }
    )

    let google: GoogleProvider

    func reply(to body: JSON, on path: String) throws -> Reply {
        let reader = ShapeReader(acceptsSnakeCase: false)
        guard (1...1000).contains(body["shards"]?.integer ?? 1) else {
            return .json(["error": "shards must be 1 to 1000"], status: 400)
        }
        switch path.lastSegment {
        case "hold":
            let body = try reader.read(body, as: Self.hold)
            for (kind, name) in [(VertexJob.Kind.batch, "batch"), (.tuning, "job")] {
                if let isHeld = body[name]?.bool { google.jobs.hold(kind, isHeld) }
            }
            return .json([:])
        case "plan":
            google.jobs.plan = Self.plan(try reader.read(body, as: .record(Self.plan)), from: VertexJob.Plan())
            return .json([:])
        default: return try advance(try reader.read(body, as: Self.advance))
        }
    }

    /// Moves one job on, or all of a kind that are not over.
    private func advance(_ body: JSON) throws -> Reply {
        let jobs: [VertexJob]
        if let id = body["id"]?.string?.lastSegment {
            jobs = google.jobs.job(id).map { [$0] } ?? []
            guard !jobs.isEmpty else { return .json(["error": "there is no such job"], status: 404) }
        } else if let kind = body["kind"]?.string {
            jobs = google.jobs.open(kind == "batch" ? .batch : .tuning, of: body["account"]?.string)
        } else {
            return .json(["error": "the body has neither id nor kind"], status: 400)
        }
        return .json(["objects": .array(try jobs.map { try advanced($0.id, body) })])
    }

    private func advanced(_ id: String, _ body: JSON) throws -> JSON {
        if body["vanish"]?.bool == true {
            try google.jobs.remove(id)
            return ["id": .string(id)]
        }
        var job = try google.jobs.update(id) { job in
            job.plan = Self.plan(body, from: job.plan)
            job.report = body["report"]?.string
        }
        let run = VertexJobRun(storage: google.storage, jobs: google.jobs, clock: google.clock)
        switch body["to"]?.string {
        case "running": if job?.startedAt == nil { job = try run.advance(id) }
        case "cancelling":
            job = try google.jobs.update(id) { if !$0.isOver { $0.state = "JOB_STATE_CANCELLING" } }
        case _?: while job?.isOver == false { job = try run.advance(id) }
        case nil: if body["report"] == nil { job = try run.advance(id) }
        }
        return try job?.stateJSON() ?? ["id": .string(id)]
    }

    private static func plan(_ body: JSON, from old: VertexJob.Plan) -> VertexJob.Plan {
        var plan = old
        plan.outcome = body["to"]?.string.flatMap(VertexJob.Outcome.init) ?? plan.outcome
        plan.message = body["message"]?.string ?? plan.message
        plan.lines = body["completed"]?.integer ?? plan.lines
        plan.shards = body["shards"]?.integer ?? plan.shards
        plan.garbage = body["garbage"]?.string ?? plan.garbage
        return plan
    }
}
