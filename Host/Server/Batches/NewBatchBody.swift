import HostCore
import HostPlugins

/// The body of `POST /v1/batches`.
struct NewBatchBody: StrictBody {
    static let memberNames: Set<String> = [
        "input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after", "model",
        "custom_llm_provider",
    ]
    private static let endpoints = ["/v1/chat/completions", "/v1/embeddings", "/v1/responses", "/v1/completions"]
    private static let windows = ["24h"]
    private static let expirySeconds: ClosedRange<Int64> = 3600...2_592_000

    private enum CodingKeys: String, CodingKey {
        case inputFileID = "input_file_id"
        case endpoint
        case completionWindow = "completion_window"
        case metadata
        case outputExpiresAfter = "output_expires_after"
        case model
    }

    let inputFileID: String
    let endpoint: String
    let completionWindow: String
    let metadata: [String: String]?
    let outputExpiresAfter: BatchCreateInput.Expiry?
    /// For which of the file's models; nil for its only one.
    let model: String?

    /// Checks what the members say.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest` that names the member.
    func check() throws(RuleError) {
        try Self.check(endpoint, in: Self.endpoints, "endpoint")
        try Self.check(completionWindow, in: Self.windows, "completion_window")
        try ObjectMetadata(metadata).check()
        guard let expiry = outputExpiresAfter else { return }
        guard expiry.anchor == "created_at" else {
            throw RuleError.invalid("output_expires_after.anchor", "must be created_at")
        }
        guard Self.expirySeconds.contains(expiry.seconds) else {
            let (least, most) = (Self.expirySeconds.lowerBound, Self.expirySeconds.upperBound)
            throw RuleError.invalid("output_expires_after.seconds", "must be between \(least) and \(most)")
        }
    }

    private static func check(_ word: String, in known: [String], _ parameter: String) throws(RuleError) {
        guard !known.contains(word) else { return }
        throw RuleError.invalid(
            parameter,
            "must be \(known.count > 1 ? "one of " : "")\(known.joined(separator: ", "))"
        )
    }
}
