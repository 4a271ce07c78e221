/// The responses of all accounts.
///
/// One that is made in the background goes a step on whenever it is read, unless responses are held: queued,
/// in_progress, completed.
struct OpenAIResponses: Sendable {
    let records: OpenAIRecords<ResponseRecord>
    let clock: SimulatedClock
    let holds: OpenAIHolds

    /// Answers `POST /v1/responses`.
    func create(_ json: JSON, for account: OpenAIAccount) throws -> Reply {
        let request = try ResponseRequest(json, account: account) { id in
            guard let record = records.record(id, of: account.name) else {
                let message = "Previous response with id '\(id)' not found."
                throw OpenAIError.invalid(
                    message,
                    param: "previous_response_id",
                    code: "previous_response_not_found"
                )
            }
            return record
        }
        let id = "resp_" + RandomName.hexadecimal(48)
        let whole = request.response(id: id, createdAt: clock.unixSeconds)
        guard request.isKept else { return request.isStreamed ? .events(ResponseEvents.all(of: whole)) : .json(whole) }
        var record = ResponseRecord(
            id: id,
            number: records.nextNumber(),
            account: account.name,
            isBackground: request.isBackground,
            isStreamed: request.isStreamed,
            items: request.items,
            question: request.question,
            whole: whole,
            status: .queued
        )
        // What is streamed is answered at once, unless a test holds it.
        let isDone = !request.isBackground || (request.isStreamed && !holds.contains(.response))
        if isDone { record.status = record.end }
        try records.save(record)
        guard request.isStreamed else { return .json(record.json) }
        return .events(request.isBackground ? ResponseEvents.all(of: record) : ResponseEvents.all(of: whole))
    }

    /// Answers `GET /v1/responses/{id}`, also as a stream after the event of a number.
    func retrieve(_ id: String, for account: OpenAIAccount, isStreamed: Bool, after number: Int) throws -> Reply {
        var record = try record(id, of: account)
        guard isStreamed else {
            if !record.status.isFinal, !holds.contains(.response) {
                record.status = record.status == .queued ? .inProgress : record.end
                try records.save(record)
            }
            return .json(record.json)
        }
        guard record.isBackground, record.isStreamed else {
            let message =
                "This response cannot be streamed because it was not created with 'background' and 'stream' set to "
                + "true."
            throw OpenAIError.invalid(message, param: "stream")
        }
        if !record.status.isFinal, !holds.contains(.response) {
            record.status = record.end
            try records.save(record)
        }
        return .events(ResponseEvents.all(of: record, after: number))
    }

    /// Answers `DELETE /v1/responses/{id}`.
    func delete(_ id: String, for account: OpenAIAccount) throws -> JSON {
        try records.remove(try record(id, of: account))
        return ["id": .string(id), "object": "response", "deleted": true]
    }

    /// Answers `POST /v1/responses/{id}/cancel`.
    func cancel(_ id: String, for account: OpenAIAccount) throws -> JSON {
        var record = try record(id, of: account)
        guard record.isBackground else {
            throw OpenAIError.invalid("Cannot cancel a synchronous response.", param: "response_id")
        }
        if !record.status.isFinal {
            record.status = .cancelled
            try records.save(record)
        }
        return record.json
    }

    /// What a test wants of a response.
    func apply(_ wish: OpenAIWish, to id: String, for account: OpenAIAccount) throws -> JSON {
        var record = try record(id, of: account)
        if wish.vanishes {
            try records.remove(record)
            return record.state
        }
        if let word = wish.status {
            guard let status = ResponseRecord.Status(rawValue: word) else { throw wish.unknownStatus(word) }
            if !record.status.isFinal { record.status = status == .completed ? record.end : status }
        }
        record.reportedStatus = wish.reportedStatus
        try records.save(record)
        return record.state
    }

    /// The response of that account.
    func record(_ id: String, of account: OpenAIAccount) throws -> ResponseRecord {
        guard let record = records.record(id, of: account.name) else {
            throw OpenAIError(status: 404, message: "Response with id '\(id)' not found.", param: "response_id")
        }
        return record
    }
}
