/// What tests do to jobs: `POST /_sim/google_jobs`.
struct VertexJobControl {
    private static let shape = Shape.record([
        "id": .string, "hold": .bool, "outcome": .choice(VertexJob.Outcome.allCases.map(\.rawValue)),
        "message": .string,
        "lines": .integer, "shards": .integer, "garbage": .string, "state": .string, "advance": .integer,
        "vanish": .bool,
    ])

    let google: GoogleProvider

    /// Changes one job's plan, or with no `id` the plan of all that are still to be made.
    ///
    /// - Returns: The job as it is now, an empty object where it has vanished or none was named.
    func reply(to body: JSON) throws -> Reply {
        let body = try ShapeReader(acceptsSnakeCase: false).read(body, as: Self.shape)
        let shards = body["shards"]?.integer ?? 1
        guard (1...1000).contains(shards) else { return .json(["error": "shards must be 1 to 1000"], status: 400) }
        guard let id = body["id"]?.string?.lastSegment else {
            google.jobs.plan = Self.plan(body, from: VertexJob.Plan())
            return .json([:])
        }
        guard google.jobs.job(id) != nil else { return .json(["error": "there is no such job"], status: 404) }
        if body["vanish"]?.bool == true {
            try google.jobs.remove(id)
            return .json([:])
        }
        var job = try google.jobs.update(id) { job in
            job.plan = Self.plan(body, from: job.plan)
            if let state = body["state"]?.string { job.state = state }
        }
        let run = VertexJobRun(storage: google.storage, jobs: google.jobs, clock: google.clock)
        for _ in 0..<(min(body["advance"]?.integer ?? 0, 10)) { job = try run.advance(id) }
        return .json(try job?.json() ?? [:])
    }

    private static func plan(_ body: JSON, from old: VertexJob.Plan) -> VertexJob.Plan {
        var plan = old
        plan.isHeld = body["hold"]?.bool ?? plan.isHeld
        plan.outcome = body["outcome"]?.string.flatMap(VertexJob.Outcome.init) ?? plan.outcome
        plan.message = body["message"]?.string ?? plan.message
        plan.lines = body["lines"]?.integer ?? plan.lines
        plan.shards = body["shards"]?.integer ?? plan.shards
        plan.garbage = body["garbage"]?.string ?? plan.garbage
        return plan
    }
}
