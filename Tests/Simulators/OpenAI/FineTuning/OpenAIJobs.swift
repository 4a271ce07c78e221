/// The fine-tuning jobs of all accounts.
///
/// A job goes one step on whenever it is read by its id, unless jobs are held: validating_files, queued, running,
/// succeeded. Its files are checked when it leaves `validating_files`; a paused job waits to be resumed.
actor OpenAIJobs {
    nonisolated let records: OpenAIRecords<FineTuningJob>
    private let clock: SimulatedClock
    private let holds: OpenAIHolds

    init(records: OpenAIRecords<FineTuningJob>, clock: SimulatedClock, holds: OpenAIHolds) {
        (self.records, self.clock, self.holds) = (records, clock, holds)
    }

    /// Answers `POST /v1/fine_tuning/jobs`.
    func create(_ json: JSON, for account: OpenAIAccount) throws -> JSON {
        let request = try FineTuningRequest(json)
        let name = request.json["model"]?.string ?? ""
        guard let model = account.knownModel(name), model.kind == .chat else {
            let message = "Model \(name) is not available for fine-tuning or does not exist."
            throw OpenAIError.invalid(message, param: "model", code: "model_not_available")
        }
        let training = request.json["training_file"]?.string ?? ""
        try Self.checkFile(training, of: account, param: "training_file")
        let validation = request.json["validation_file"]?.string
        if let validation { try Self.checkFile(validation, of: account, param: "validation_file") }
        let type = request.method
        var method = request.json["method"]?[type]?.object ?? JSONObject()
        method["hyperparameters"] = request.hyperparameters
        var job = FineTuningJob(
            id: "ftjob-" + RandomName.alphanumeric(24),
            number: records.nextNumber(),
            account: account.name,
            model: model.snapshot,
            trainingFileID: training,
            validationFileID: validation,
            method: .members(["type": .string(type)]).with(type, .object(method)),
            hyperparameters: request.hyperparameters,
            suffix: request.json["suffix"]?.string,
            seed: request.json["seed"]?.integer ?? Int.random(in: 0...2_147_483_647),
            integrations: request.json["integrations"],
            metadata: request.json["metadata"],
            createdAt: clock.unixSeconds
        )
        job.tell("Created fine-tuning job: \(job.id)", at: job.createdAt)
        job.tell("Validating training file: \(training)", at: job.createdAt)
        try records.save(job)
        return job.json
    }

    /// Answers `GET /v1/fine_tuning/jobs/{id}`, and moves the job a step on.
    func retrieve(_ id: String, for account: OpenAIAccount) throws -> JSON {
        var job = try job(id, of: account)
        if !holds.contains(.job), let next = job.status.next { try move(&job, to: next, for: account) }
        return job.json
    }

    /// Answers `POST /v1/fine_tuning/jobs/{id}/cancel`, `pause` and `resume`.
    func perform(_ action: String, on id: String, for account: OpenAIAccount) throws -> JSON {
        var job = try job(id, of: account)
        let status: FineTuningJob.Status =
            switch action {
            case "pause": .paused
            case "resume": .queued
            default: .cancelled
            }
        let isAllowed =
            switch action {
            case "pause": [.queued, .running].contains(job.status)
            case "resume": job.status == .paused
            default: !job.status.isFinal
            }
        guard isAllowed else {
            let message = "Cannot \(action) a fine-tuning job with status '\(job.status.rawValue)'."
            throw OpenAIError.invalid(message, code: "invalid_job_status")
        }
        try move(&job, to: status, for: account)
        return job.json
    }

    /// What a test wants of a job.
    func apply(_ wish: OpenAIWish, to id: String, for account: OpenAIAccount) throws -> JSON {
        var job = try job(id, of: account)
        if wish.vanishes {
            try records.remove(job)
            return job.state
        }
        if let word = wish.status {
            guard let status = FineTuningJob.Status(rawValue: word) else { throw wish.unknownStatus(word) }
            try move(&job, to: status, for: account, hasOutput: wish.hasOutput)
        }
        if let word = wish.reportedStatus {
            job.reportedStatus = word
            try records.save(job)
        }
        return job.state
    }

    /// The job of that account.
    nonisolated func job(_ id: String, of account: OpenAIAccount) throws -> FineTuningJob {
        guard let job = records.record(id, of: account.name) else {
            let message = "Could not find fine tune: \(id)"
            throw OpenAIError(status: 404, message: message, param: "fine_tune_id", code: "fine_tune_not_found")
        }
        return job
    }

    private static func checkFile(_ id: String, of account: OpenAIAccount, param: String) throws {
        guard let file = try account.files.file(id, of: account.name) else {
            throw OpenAIError.invalid("invalid \(param): \(id)", param: param, code: "invalid_\(param)")
        }
        guard file.purpose == "fine-tune" else {
            let message = "The file \(id) has purpose '\(file.purpose)'; expected 'fine-tune'."
            throw OpenAIError.invalid(message, param: param, code: "invalid_\(param)")
        }
    }

    private func move(
        _ job: inout FineTuningJob,
        to status: FineTuningJob.Status,
        for account: OpenAIAccount,
        hasOutput: Bool = true
    ) throws {
        guard !job.status.isFinal, status != job.status else { return }
        let now = clock.unixSeconds
        job.reportedStatus = nil
        if job.status == .validatingFiles, ![.failed, .cancelled].contains(status), try !validate(&job, for: account) {
            return try records.save(job)
        }
        if status == .succeeded, job.status != .running { job.start(at: now) }
        job.status = status
        switch status {
        case .queued: job.tell("Files validated, moving job to queued state", at: now)
        case .running: job.start(at: now)
        case .succeeded: try job.succeed(at: now, files: hasOutput ? account.files : nil)
        case .failed:
            job.fail(at: now, code: "server_error", "The job failed because of an internal error.", param: nil)
        case .cancelled: job.tell("The job has been cancelled", at: now, level: "warn")
        case .paused: job.tell("The job has been paused", at: now)
        case .validatingFiles: break
        }
        if status.isFinal { job.finishedAt = now }
        try records.save(job)
    }

    /// Checks the files of a job; false if that has failed it.
    private func validate(_ job: inout FineTuningJob, for account: OpenAIAccount) throws -> Bool {
        let files = [("training_file", job.trainingFileID), ("validation_file", job.validationFileID)]
        for case (let param, let id?) in files {
            do {
                let file = try TrainingFile(
                    try account.files.file(id, of: account.name),
                    in: account.files.blobs,
                    method: job.method["type"]?.string ?? "",
                    isTraining: param == "training_file"
                )
                if param == "training_file" { job.trainedTokens = file.tokens }
            } catch let error as OpenAIError {
                job.fail(at: clock.unixSeconds, code: error.code ?? "", error.message, param: param)
                return false
            }
        }
        return true
    }
}
