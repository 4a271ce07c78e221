/// One response that an account has kept.
struct ResponseRecord: OpenAIRecord {
    enum Status: String, Codable, Sendable {
        case queued
        case inProgress = "in_progress"
        case completed, incomplete, failed, cancelled

        var isFinal: Bool { ![.queued, .inProgress].contains(self) }
    }

    let id: String
    let number: Int
    let account: String
    let isBackground: Bool
    let isStreamed: Bool
    /// What was asked, with what was asked before it.
    let items: [JSON]
    let question: String
    /// The response as it is in the end.
    let whole: JSON

    var status: Status
    /// What a test wants to be shown in the place of the status.
    var reportedStatus: String?

    /// How it ends by itself: completed or incomplete.
    var end: Status { whole["status"]?.string.flatMap(Status.init) ?? .completed }

    /// The items that the next turn of the conversation knows.
    var conversation: [JSON] { items + (whole["output"]?.array ?? []) }

    /// The response as the API shows it now.
    var json: JSON {
        var json = status == end ? whole : Self.unfinished(whole, status: status.rawValue)
        if status == .failed {
            json = json.with("error", ["code": "server_error", "message": "The model failed to answer."])
        }
        return reportedStatus.map { json.with("status", .string($0)) } ?? json
    }

    var state: JSON {
        [
            "id": .string(id), "account": .string(account), "status": .string(status.rawValue),
            "background": .bool(isBackground), "previous_response_id": whole["previous_response_id"] ?? .null,
        ]
    }

    /// The response before there is an answer.
    static func unfinished(_ whole: JSON, status: String) -> JSON {
        whole.with("status", .string(status)).with("output", []).with("usage", .null)
            .with("incomplete_details", .null).with("completed_at", .null)
    }
}
