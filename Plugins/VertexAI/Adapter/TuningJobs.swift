import GantryPlugin

/// Fine-tuning: Vertex AI's tuning jobs in OpenAI's words.
struct TuningJobs {
    static let collection = "tuningJobs"

    let jobs: ProviderJobs
    let storage: StorageSettings

    /// - Returns: The job.
    nonisolated(nonsending) func create(_ input: JSON) async throws(Failure) -> JSON {
        let name = input["name"]?.string ?? ""
        guard Wire.isName(name, others: "-_.", limit: 200) else {
            throw Failure(.internalError, "The host gave no usable name for the new job.")
        }
        guard !jobs.settings.model.utf8.contains(UInt8(ascii: "/")) else {
            throw Failure(
                .unsupported,
                "A tuned model cannot be tuned again here; use its base model.",
                parameter: "model"
            )
        }
        var specification = JSONObject()
        specification["trainingDatasetUri"] = .string(try dataset("training_file", in: input))
        if input["validation_file"] != nil {
            specification["validationDatasetUri"] = .string(try dataset("validation_file", in: input))
        }
        specification["hyperParameters"] = try TuningRequest(input).hyperparameters
        var body = JSONObject()
        body["baseModel"] = .string(jobs.settings.model)
        // By this a search finds the job; the name that models are shown under is the client's suffix.
        body["description"] = .string(name)
        body["tunedModelDisplayName"] = .string(try TuningRequest(input).suffix ?? String(name.prefix(128)))
        body["supervisedTuningSpec"] = .object(specification)
        let job = try await jobs.create(.object(body))
        try jobs.operation.remember(kind: "job", id: try jobs.id(of: job))
        return try self.job(job)
    }

    /// - Returns: The job.
    nonisolated(nonsending) func get(_ id: String) async throws(Failure) -> JSON { try job(try await jobs.get(id)) }

    /// - Returns: The job.
    nonisolated(nonsending) func cancel(_ id: String) async throws(Failure) -> JSON {
        try job(try await jobs.cancel(id))
    }

    /// Looks for the jobs that a creation may have left.
    ///
    /// - Returns: `{"data": [{"id"}], "next"}`.
    nonisolated(nonsending) func search(_ input: JSON) async throws(Failure) -> JSON {
        let (name, file) = (input["name"]?.string, input["training_file"]?.string)
        guard name != nil || file != nil else {
            throw Failure(.internalError, "The host says neither the name nor the training file of the job.")
        }
        return try await jobs.search(filter: nil, after: input["after"]?.string) { job in
            (name != nil && job["description"]?.string == name)
                || (file != nil && job["supervisedTuningSpec"]?["trainingDatasetUri"]?.string == file)
        }
    }

    /// - Returns: `{"data", "has_more"}`.
    nonisolated(nonsending) func events(_ input: JSON) async throws(Failure) -> JSON {
        let job = try await jobs.get(input["id"]?.string ?? "")
        return try TuningHistory(job, id: try jobs.id(of: job)).events.page(input)
    }

    /// - Returns: `{"data", "has_more"}`.
    nonisolated(nonsending) func checkpoints(_ input: JSON) async throws(Failure) -> JSON {
        let job = try await jobs.get(input["id"]?.string ?? "")
        return try TuningHistory(job, id: try jobs.id(of: job)).checkpoints.page(input)
    }

    private func dataset(_ member: String, in input: JSON) throws(Failure) -> String {
        do throws(Failure) {
            return try StoredObject(id: input[member]?.string ?? "", settings: storage).id
        } catch {
            var failure = error
            failure.parameter = member
            throw failure
        }
    }

    /// OpenAI's members of a job.
    private func job(_ upstream: JSON) throws(Failure) -> JSON {
        let state = JobState(upstream)
        let specification = upstream["supervisedTuningSpec"]
        var job = JSONObject()
        job["id"] = .string(try jobs.id(of: upstream))
        job["object"] = "fine_tuning.job"
        job["created_at"] = Timestamp.unixSeconds(upstream["createTime"]?.string).map { .integer($0) }
        job["model"] = upstream["baseModel"]?.string.map { .string($0) }
        job["status"] = .string(Self.status(state))
        if state.isOver {
            job["finished_at"] = Timestamp.unixSeconds(upstream["endTime"]?.string).map { .integer($0) }
        }
        job["fine_tuned_model"] = endpoint(upstream["tunedModel"]).map { .string($0) }
        let hyperparameters = Self.hyperparameters(specification?["hyperParameters"])
        job["hyperparameters"] = hyperparameters
        job["method"] = ["type": "supervised", "supervised": ["hyperparameters": hyperparameters]]
        job["training_file"] = specification?["trainingDatasetUri"]?.string.map { .string($0) }
        job["validation_file"] = specification?["validationDatasetUri"]?.string.map { .string($0) }
        job["result_files"] = []
        let tokens = upstream["tuningDataStats"]?["supervisedTuningDataStats"]?.count("totalBillableTokenCount") ?? 0
        if tokens > 0 { job["trained_tokens"] = .integer(tokens) }
        if state == .failed || state == .expired {
            let error = upstream.jobError ?? ("job_failed", "\(Wire.providerName) gave no reason.")
            job["error"] = ["code": .string(error.code), "message": .string(error.message), "param": .null]
        }
        return .object(job)
    }

    private func endpoint(_ tunedModel: JSON?) -> String? {
        tunedModel?["endpoint"]?.string.flatMap { Settings.isEndpointPath($0) ? $0 : nil }
    }

    private static func status(_ state: JobState) -> String {
        switch state {
        case .waiting: "queued"
        // OpenAI has no word for the time between a cancellation and its effect.
        case .running, .cancelling: "running"
        case .paused: "paused"
        case .succeeded: "succeeded"
        case .failed, .expired: "failed"
        case .cancelled: "cancelled"
        case .unknown(let word): "unknown:\(word)"
        }
    }

    private static func hyperparameters(_ upstream: JSON?) -> JSON {
        let epochs = upstream?.count("epochCount") ?? 0
        var multiplier: JSON = "auto"
        if let value = upstream?["learningRateMultiplier"], case .number = value { multiplier = value }
        return [
            "n_epochs": epochs > 0 ? .integer(epochs) : "auto", "batch_size": "auto",
            "learning_rate_multiplier": multiplier,
        ]
    }
}
