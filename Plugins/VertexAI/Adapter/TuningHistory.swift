import GantryPlugin

/// What is known of a tuning job's course: Vertex AI keeps no events, so they are told from its times.
struct TuningHistory {
    private let job: JSON
    private let id: String
    private let number: String

    /// Takes a job as Vertex AI shows it, and its id.
    init(_ job: JSON, id: String) {
        self.job = job
        self.id = id
        number = ResourceName(id, collection: TuningJobs.collection)?.number ?? ""
    }

    /// `fine_tuning.job.event` objects, newest first.
    var events: NewestFirst {
        var events: [JSON] = []
        func add(_ time: String, _ message: String, level: String = "info") {
            guard let seconds = Timestamp.unixSeconds(job[time]?.string) else { return }
            events.append([
                "id": .string("ftevent-\(number)-\(events.count + 1)"), "object": "fine_tuning.job.event",
                "created_at": .integer(seconds), "level": .string(level), "message": .string(message),
                "type": "message", "data": [:],
            ])
        }
        add("createTime", "Created fine-tuning job")
        add("startTime", "Fine-tuning job started")
        let error = job.jobError?.message ?? "\(Wire.providerName) gave no reason."
        switch JobState(job) {
        case .succeeded:
            add("endTime", "New fine-tuned model created")
            add("endTime", "The job has successfully completed")
        case .failed, .expired: add("endTime", "The job failed: \(error)", level: "error")
        case .cancelled: add("endTime", "The job was cancelled", level: "warn")
        case .cancelling: add("updateTime", "The job is being cancelled")
        default: break
        }
        return NewestFirst(items: events.reversed())
    }

    /// `fine_tuning.job.checkpoint` objects, newest first.
    var checkpoints: NewestFirst {
        let time = ["endTime", "updateTime", "createTime"].lazy
            .compactMap { Timestamp.unixSeconds(job[$0]?.string) }.first
        var checkpoints: [JSON] = []
        for checkpoint in job["tunedModel"]?["checkpoints"]?.array ?? [] {
            guard let endpoint = checkpoint["endpoint"]?.string, Settings.isEndpointPath(endpoint) else { continue }
            let step = checkpoint.count("step")
            checkpoints.append([
                "id": .string("ftckpt-\(number)-\(checkpoint.count("checkpointId"))"),
                "object": "fine_tuning.job.checkpoint", "created_at": .integer(time ?? 0),
                "fine_tuned_model_checkpoint": .string(endpoint), "fine_tuning_job_id": .string(id),
                "step_number": .integer(step), "metrics": ["step": .integer(step)],
            ])
        }
        return NewestFirst(items: checkpoints.reversed())
    }
}

/// A list that is handed out page by page.
struct NewestFirst {
    private static let largestPage: Int64 = 100

    let items: [JSON]

    /// The page that `after` and `limit` name.
    ///
    /// - Returns: `{"data", "has_more"}`.
    func page(_ input: JSON) throws(Failure) -> JSON {
        var rest = items[...]
        if let after = input["after"]?.string, !after.isEmpty {
            guard let index = items.firstIndex(where: { $0["id"]?.string == after }) else {
                throw Failure(.invalid, "There is nothing with the id that 'after' names.", parameter: "after")
            }
            rest = items[(index + 1)...]
        }
        let limit = Int(min(max(input["limit"]?.integer ?? 20, 1), Self.largestPage))
        return ["data": .array(Array(rest.prefix(limit))), "has_more": .bool(rest.count > limit)]
    }
}
