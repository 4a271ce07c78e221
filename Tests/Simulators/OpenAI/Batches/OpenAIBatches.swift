/// The batches of all accounts.
///
/// A batch goes one step on whenever it is read by its id, unless batches are held: validating, in_progress,
/// finalizing, completed; cancelling, cancelled. Its file is checked when it leaves `validating`, and its requests are
/// answered when it ends.
actor OpenAIBatches {
    private static let window = 24 * 3600

    nonisolated let records: OpenAIRecords<BatchRecord>
    private let clock: SimulatedClock
    private let holds: OpenAIHolds

    init(records: OpenAIRecords<BatchRecord>, clock: SimulatedClock, holds: OpenAIHolds) {
        (self.records, self.clock, self.holds) = (records, clock, holds)
    }

    /// Answers `POST /v1/batches`.
    func create(_ json: JSON, for account: OpenAIAccount) throws -> JSON {
        let request = try BatchRequest(json)
        guard try account.files.file(request.inputFileID, of: account.name) != nil else {
            let message = "Invalid 'input_file_id': no such File object: \(request.inputFileID)"
            throw OpenAIError.invalid(message, param: "input_file_id", code: "invalid_value")
        }
        let now = clock.unixSeconds
        let record = BatchRecord(
            id: "batch_" + RandomName.hexadecimal(32),
            number: records.nextNumber(),
            account: account.name,
            endpoint: request.endpoint,
            inputFileID: request.inputFileID,
            completionWindow: request.completionWindow,
            metadata: request.metadata,
            outputLifetime: request.outputLifetime,
            createdAt: now,
            expiresAt: now + Self.window
        )
        try records.save(record)
        return record.json
    }

    /// Answers `GET /v1/batches/{id}`, and moves the batch a step on.
    func retrieve(_ id: String, for account: OpenAIAccount) throws -> JSON {
        var record = try record(id, of: account)
        guard !record.status.isFinal else { return record.json }
        if clock.unixSeconds >= record.expiresAt {
            try move(&record, to: .expired, for: account)
        } else if !holds.contains(.batch), let next = record.status.next {
            try move(&record, to: next, for: account)
        }
        return record.json
    }

    /// Answers `POST /v1/batches/{id}/cancel`.
    func cancel(_ id: String, for account: OpenAIAccount) throws -> JSON {
        var record = try record(id, of: account)
        guard [.validating, .inProgress, .finalizing, .cancelling].contains(record.status) else {
            let message = "Cannot cancel a batch with status '\(record.status.rawValue)'."
            throw OpenAIError(status: 409, message: message)
        }
        if record.status != .cancelling { try move(&record, to: .cancelling, for: account) }
        return record.json
    }

    /// What a test wants of a batch.
    func apply(_ wish: OpenAIWish, to id: String, for account: OpenAIAccount) throws -> JSON {
        var record = try record(id, of: account)
        if wish.vanishes {
            try records.remove(record)
            return record.state
        }
        if let word = wish.status {
            guard let status = BatchRecord.Status(rawValue: word) else { throw wish.unknownStatus(word) }
            try move(&record, to: status, for: account, done: wish.completed, hasOutput: wish.hasOutput)
        }
        if let word = wish.reportedStatus {
            record.reportedStatus = word
            try records.save(record)
        }
        return record.state
    }

    private func record(_ id: String, of account: OpenAIAccount) throws -> BatchRecord {
        guard let record = records.record(id, of: account.name) else {
            throw OpenAIError(status: 404, message: "No batch found with id '\(id)'.", param: "id")
        }
        return record
    }

    private func move(
        _ record: inout BatchRecord,
        to status: BatchRecord.Status,
        for account: OpenAIAccount,
        done: Int? = nil,
        hasOutput: Bool = true
    ) throws {
        guard !record.status.isFinal, status != record.status else { return }
        let now = clock.unixSeconds
        record.reportedStatus = nil
        if record.status == .validating, ![.failed, .cancelling, .cancelled].contains(status) {
            try validate(&record, for: account)
            guard record.status != .failed else { return try records.save(record) }
        }
        if status == .completed, !record.hasBeen(.finalizing) { record.enter(.finalizing, at: now) }
        if status == .cancelled, !record.hasBeen(.cancelling) { record.enter(.cancelling, at: now) }
        if status == .failed, record.errors.isEmpty {
            let message = "The batch failed because of an internal error."
            record.errors = [["code": "server_error", "line": .null, "message": .string(message), "param": .null]]
        }
        if [.completed, .expired, .cancelled].contains(status) {
            try settle(&record, as: status, for: account, done: done, hasOutput: hasOutput)
        }
        if record.status != status { record.enter(status, at: now) }
        try records.save(record)
    }

    private func validate(_ record: inout BatchRecord, for account: OpenAIAccount) throws {
        var validation = BatchValidation(account: account, endpoint: record.endpoint)
        try validation.read(try account.files.file(record.inputFileID, of: account.name))
        record.errors = validation.errors
        guard validation.errors.isEmpty else { return record.enter(.failed, at: clock.unixSeconds) }
        record.counts.total = validation.requests
        record.model = validation.model
        record.enter(.inProgress, at: clock.unixSeconds)
    }

    /// Answers what is done of a batch that ends; without a wish that is all, or half of one that was stopped at work.
    private func settle(
        _ record: inout BatchRecord,
        as status: BatchRecord.Status,
        for account: OpenAIAccount,
        done: Int?,
        hasOutput: Bool
    ) throws {
        guard record.hasBeen(.inProgress),
            let file = try account.files.file(record.inputFileID, of: account.name)
        else { return }
        let total = record.counts.total
        let usual = status == .completed || record.hasBeen(.finalizing) ? total : (total + 1) / 2
        let expired: JSON = [
            "code": "batch_expired",
            "message": "This request could not be executed before the completion window expired.",
        ]
        var answers = BatchAnswers(account: account, endpoint: record.endpoint)
        try answers.answer(file, upTo: min(done ?? usual, total), restError: status == .expired ? expired : nil)
        let blobs = try answers.finish()
        record.counts.completed = answers.counts.completed
        record.counts.failed = answers.counts.failed
        record.usage = answers.usageJSON
        record.outputFileID = try hasOutput ? keep(blobs.output, "output", of: record, for: account) : nil
        record.errorFileID = try hasOutput ? keep(blobs.errors, "error", of: record, for: account) : nil
    }

    private func keep(
        _ blob: Blob?,
        _ kind: String,
        of record: BatchRecord,
        for account: OpenAIAccount
    ) throws -> String? {
        try blob.map { blob in
            try account.files.insert(
                blob,
                filename: "\(record.id)_\(kind).jsonl",
                purpose: "batch_output",
                account: account.name,
                lifetime: record.outputLifetime
            )
        }
    }
}

extension BatchRecord.Status {
    /// Where a batch goes by itself.
    fileprivate var next: BatchRecord.Status? {
        switch self {
        case .validating: .inProgress
        case .inProgress: .finalizing
        case .finalizing: .completed
        case .cancelling: .cancelled
        case .failed, .completed, .expired, .cancelled: nil
        }
    }
}
