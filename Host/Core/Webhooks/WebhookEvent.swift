/// That a batch or a fine-tuning job has ended, for whoever wants to be told.
package struct WebhookEvent: Hashable, Sendable {
    /// OpenAI's types of events.
    package enum Kind: String, CaseIterable, Sendable {
        case batchCompleted = "batch.completed"
        case batchFailed = "batch.failed"
        case batchExpired = "batch.expired"
        case batchCancelled = "batch.cancelled"
        case jobSucceeded = "fine_tuning.job.succeeded"
        case jobFailed = "fine_tuning.job.failed"
        case jobCancelled = "fine_tuning.job.cancelled"

        /// The event of a batch's status; nil while it has not ended.
        package init?(batchStatus: String) { self.init(rawValue: "batch.\(batchStatus)") }

        /// The event of a fine-tuning job's status; nil while it has not ended.
        package init?(jobStatus: String) { self.init(rawValue: "fine_tuning.job.\(jobStatus)") }
    }

    package let kind: Kind
    /// The id of the object as its owner knows it, such as `batch_…`.
    package let objectID: String
    /// Where it is told: what the rules let through when the object was made.
    package let url: String

    /// Makes an event.
    package init(_ kind: Kind, of objectID: String, to url: String) {
        self.kind = kind
        self.objectID = objectID
        self.url = url
    }

    /// Scheme, host and port of the URL, in lower case: those with the same one have to wait for each other.
    package var receiver: String {
        let isAfterAuthority: (UInt8) -> Bool = { "/?#".utf8.contains($0) }
        guard let start = url.firstRange(of: "://")?.upperBound else { return url }
        let end = url.utf8[start...].firstIndex(where: isAfterAuthority) ?? url.endIndex
        return url[..<end].lowercased()
    }
}
