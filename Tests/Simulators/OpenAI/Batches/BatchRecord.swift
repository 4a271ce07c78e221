/// One batch of one account.
struct BatchRecord: OpenAIRecord {
    enum Status: String, Codable, Sendable {
        case validating, failed
        case inProgress = "in_progress"
        case finalizing, completed, expired, cancelling, cancelled

        var isFinal: Bool { [.failed, .completed, .expired, .cancelled].contains(self) }
    }

    /// How many of its requests were done, and how they ended.
    struct Counts: Codable, Sendable {
        var total = 0
        var completed = 0
        var failed = 0
    }

    let id: String
    let number: Int
    let account: String
    let endpoint: String
    let inputFileID: String
    let completionWindow: String
    let metadata: JSON?
    /// Seconds that its files are kept.
    let outputLifetime: Int?
    let createdAt: Int
    let expiresAt: Int

    private(set) var status = Status.validating
    /// When each status but the first was entered.
    private(set) var times: [String: Int] = [:]
    var counts = Counts()
    var model: String?
    var errors: [JSON] = []
    var outputFileID: String?
    var errorFileID: String?
    var usage: JSON?
    /// What a test wants to be shown in the place of the status.
    var reportedStatus: String?

    mutating func enter(_ status: Status, at time: Int) {
        self.status = status
        times[status.rawValue] = time
    }

    /// Whether a status was entered at some time.
    func hasBeen(_ status: Status) -> Bool { times[status.rawValue] != nil }

    /// The batch as the API shows it.
    var json: JSON {
        .members([
            "id": .string(id), "object": "batch", "endpoint": .string(endpoint), "model": model.map(JSON.string),
            "errors": errors.isEmpty ? .null : ["object": "list", "data": .array(errors)],
            "input_file_id": .string(inputFileID), "completion_window": .string(completionWindow),
            "status": .string(reportedStatus ?? status.rawValue),
            "output_file_id": outputFileID.map(JSON.string) ?? .null,
            "error_file_id": errorFileID.map(JSON.string) ?? .null, "created_at": .integer(createdAt),
            "in_progress_at": time(of: .inProgress), "expires_at": .integer(expiresAt),
            "finalizing_at": time(of: .finalizing), "completed_at": time(of: .completed),
            "failed_at": time(of: .failed), "expired_at": time(of: .expired), "cancelling_at": time(of: .cancelling),
            "cancelled_at": time(of: .cancelled),
            "request_counts": [
                "total": .integer(counts.total), "completed": .integer(counts.completed),
                "failed": .integer(counts.failed),
            ],
            "usage": usage, "metadata": metadata ?? .null,
        ])
    }

    var state: JSON {
        [
            "id": .string(id), "account": .string(account), "status": .string(status.rawValue),
            "endpoint": .string(endpoint), "input_file_id": .string(inputFileID),
            "output_file_id": outputFileID.map(JSON.string) ?? .null,
            "error_file_id": errorFileID.map(JSON.string) ?? .null, "metadata": metadata ?? .null,
            "created_at": .integer(createdAt),
        ]
    }

    private func time(of status: Status) -> JSON { times[status.rawValue].map(JSON.integer) ?? .null }
}
