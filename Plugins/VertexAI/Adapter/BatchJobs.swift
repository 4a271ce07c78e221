import GantryPlugin

/// Batches: Vertex AI's batch prediction jobs in OpenAI's words.
struct BatchJobs {
    static let collection = "batchPredictionJobs"

    let jobs: ProviderJobs
    let storage: StorageSettings

    /// - Returns: The batch.
    nonisolated(nonsending) func create(_ input: JSON) async throws(Failure) -> JSON {
        try BatchEndpoint.check(input)
        guard !Settings.isEndpointPath(jobs.settings.model) else {
            throw Failure(.unsupported, "\(Wire.providerName) batches cannot use a tuned model; use its base model.")
        }
        let source = try StoredObject(id: input["input_file_id"]?.string ?? "", settings: storage)
        let folder = try BatchFolder(name: input["name"]?.string ?? "", settings: storage)
        let body: JSON = [
            "displayName": .string(folder.batchName),
            "model": .string("publishers/google/models/\(jobs.settings.model)"),
            "inputConfig": ["instancesFormat": "jsonl", "gcsSource": ["uris": [.string(source.id)]]],
            "outputConfig": [
                "predictionsFormat": "jsonl",
                "gcsDestination": ["outputUriPrefix": .string("gs://\(storage.bucket)/\(folder.path)")],
            ],
        ]
        let job = try await jobs.create(body)
        try jobs.operation.remember(kind: "batch", id: try jobs.id(of: job))
        return try batch(job)
    }

    /// - Returns: The batch.
    nonisolated(nonsending) func get(_ id: String) async throws(Failure) -> JSON { try batch(try await jobs.get(id)) }

    /// - Returns: The batch.
    nonisolated(nonsending) func cancel(_ id: String) async throws(Failure) -> JSON {
        let job = try await jobs.cancel(id)
        // The request has been taken, whether or not the state shows it yet.
        return try batch(job, status: JobState(job).isActive ? "cancelling" : nil)
    }

    /// Looks for the batches that a creation may have left.
    ///
    /// - Returns: `{"data": [{"id"}], "next"}`.
    nonisolated(nonsending) func search(_ input: JSON) async throws(Failure) -> JSON {
        let name = try input["name"]?.string.map { name throws(Failure) in
            try BatchFolder(name: name, settings: storage).batchName
        }
        let source = input["input_file_id"]?.string
        guard name != nil || source != nil else {
            throw Failure(.internalError, "The host says neither the name nor the input of the batch.")
        }
        let filter = name.map { #"display_name="\#($0)""# }
        return try await jobs.search(filter: filter, after: input["after"]?.string) { job in
            let uris = job["inputConfig"]?["gcsSource"]?["uris"]?.array ?? []
            return (name != nil && job["displayName"]?.string == name)
                || (source != nil && uris.contains { $0.string == source })
        }
    }

    /// OpenAI's members of a batch; the files of its results are made by ``BatchResults``.
    private func batch(_ job: JSON, status: String? = nil) throws(Failure) -> JSON {
        let state = JobState(job)
        var batch = JSONObject()
        batch["id"] = .string(try jobs.id(of: job))
        batch["status"] = .string(status ?? Self.status(state))
        func setTime(_ name: String, _ member: String) {
            batch[name] = Timestamp.unixSeconds(job[member]?.string).map { .integer($0) }
        }
        setTime("created_at", "createTime")
        setTime("in_progress_at", "startTime")
        switch state {
        case .succeeded: setTime("completed_at", "endTime")
        case .failed: setTime("failed_at", "endTime")
        case .expired: setTime("expired_at", "endTime")
        case .cancelled: setTime("cancelled_at", "endTime")
        default: break
        }
        batch["request_counts"] = job["completionStats"].flatMap(Self.counts)
        // A cancelled job has an error that says no more than that.
        if state != .cancelled, let error = job.jobError {
            let entry: JSON = [
                "code": .string(error.code), "message": .string(error.message), "param": .null, "line": .null,
            ]
            batch["errors"] = ["object": "list", "data": [entry]]
        }
        return .object(batch)
    }

    private static func status(_ state: JobState) -> String {
        switch state {
        case .waiting: "validating"
        case .running, .paused: "in_progress"
        case .cancelling: "cancelling"
        case .succeeded: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .expired: "expired"
        case .unknown(let word): "unknown:\(word)"
        }
    }

    private static func counts(_ statistics: JSON) -> JSON? {
        guard statistics.object != nil else { return nil }
        let (succeeded, failed) = (statistics.count("successfulCount"), statistics.count("failedCount"))
        let total = succeeded + failed + statistics.count("incompleteCount")
        return ["total": .integer(total), "completed": .integer(succeeded), "failed": .integer(failed)]
    }
}

/// The folder of one batch in the deployment's bucket: what Vertex AI writes, and the files that are made of it.
struct BatchFolder {
    let batchName: String
    let output: StoredObject
    let errors: StoredObject
    /// Stands here while what Vertex AI has written is being deleted, and says what was made of it.
    let marker: StoredObject

    init(name: String, settings: StorageSettings) throws(Failure) {
        batchName = name
        output = try StoredObject(unique: name, filename: "output.jsonl", settings: settings)
        errors = try StoredObject(unique: name, filename: "errors.jsonl", settings: settings)
        marker = try StoredObject(unique: name, filename: "results.done", settings: settings)
        path = "\(settings.prefix)/\(name)"
    }

    /// The folder's path in the bucket, without a slash at its end.
    let path: String
}
