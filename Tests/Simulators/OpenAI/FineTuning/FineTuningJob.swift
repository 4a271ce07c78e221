/// One fine-tuning job of one account.
struct FineTuningJob: OpenAIRecord {
    enum Status: String, Codable, Sendable {
        case validatingFiles = "validating_files"
        case queued, running, paused, succeeded, failed, cancelled

        var isFinal: Bool { [.succeeded, .failed, .cancelled].contains(self) }

        /// Where a job goes by itself.
        var next: Status? {
            switch self {
            case .validatingFiles: .queued
            case .queued: .running
            case .running: .succeeded
            case .paused, .succeeded, .failed, .cancelled: nil
            }
        }
    }

    /// What a job tells on its way.
    struct Event: Codable, Sendable {
        let id: String
        let createdAt: Int
        let level: String
        let message: String
        var data: JSON?

        var json: JSON {
            .members([
                "object": "fine_tuning.job.event", "id": .string(id), "created_at": .integer(createdAt),
                "level": .string(level), "message": .string(message),
                "type": data == nil ? "message" : "metrics", "data": data ?? [:],
            ])
        }
    }

    /// A model that a job has made on its way.
    struct Checkpoint: Codable, Sendable {
        let id: String
        let createdAt: Int
        let model: String
        let step: Int

        func json(of job: String) -> JSON {
            [
                "object": "fine_tuning.job.checkpoint", "id": .string(id), "created_at": .integer(createdAt),
                "fine_tuned_model_checkpoint": .string(model), "fine_tuning_job_id": .string(job),
                "step_number": .integer(step), "metrics": FineTuningJob.metrics(step: step),
            ]
        }
    }

    let id: String
    let number: Int
    let account: String
    let model: String
    let trainingFileID: String
    let validationFileID: String?
    let method: JSON
    var hyperparameters: JSON
    let suffix: String?
    let seed: Int
    let integrations: JSON?
    let metadata: JSON?
    let createdAt: Int

    var status = Status.validatingFiles
    var finishedAt: Int?
    var error: JSON?
    var fineTunedModel: String?
    var resultFileIDs: [String] = []
    var trainedTokens: Int?
    var events: [Event] = []
    var checkpoints: [Checkpoint] = []
    /// What a test wants to be shown in the place of the status.
    var reportedStatus: String?

    var organization: String { "sim-\(account)" }

    /// The models that this job has made.
    var models: [String] { [fineTunedModel].compactMap(\.self) + checkpoints.map(\.model) }

    /// What is measured at a step; always the same.
    static func metrics(step: Int) -> JSON {
        [
            "step": .integer(step), "train_loss": .number(1 / Double(step + 1)),
            "train_mean_token_accuracy": .number(1 - 1 / Double(step + 1)),
        ]
    }

    mutating func tell(_ message: String, at time: Int, level: String = "info", data: JSON? = nil) {
        let id = "ftevent-" + RandomName.alphanumeric(24)
        events.append(Event(id: id, createdAt: time, level: level, message: message, data: data))
    }

    /// The job as the API shows it.
    var json: JSON {
        .members([
            "object": "fine_tuning.job", "id": .string(id), "created_at": .integer(createdAt),
            "error": error ?? .null, "fine_tuned_model": fineTunedModel.map(JSON.string) ?? .null,
            "finished_at": finishedAt.map(JSON.integer) ?? .null, "hyperparameters": hyperparameters,
            "model": .string(model), "organization_id": .string(organization),
            "result_files": .array(resultFileIDs.map(JSON.string)),
            "status": .string(reportedStatus ?? status.rawValue),
            "trained_tokens": trainedTokens.map(JSON.integer) ?? .null, "training_file": .string(trainingFileID),
            "validation_file": validationFileID.map(JSON.string) ?? .null, "seed": .integer(seed),
            "estimated_finish": .null, "integrations": integrations ?? [], "method": method,
            "metadata": metadata ?? .null, "user_provided_suffix": suffix.map(JSON.string) ?? .null,
        ])
    }

    var state: JSON {
        [
            "id": .string(id), "account": .string(account), "status": .string(status.rawValue),
            "model": .string(model), "training_file": .string(trainingFileID),
            "validation_file": validationFileID.map(JSON.string) ?? .null,
            "fine_tuned_model": fineTunedModel.map(JSON.string) ?? .null, "metadata": metadata ?? .null,
            "created_at": .integer(createdAt),
        ]
    }
}
