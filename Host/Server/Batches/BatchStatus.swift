/// Where a batch is, in OpenAI's words.
enum BatchStatus: String, Sendable {
    case validating, failed, expired, finalizing, completed, cancelling, cancelled
    case inProgress = "in_progress"

    /// Reads a plugin's word; nil for one that OpenAI does not have.
    init?(_ word: String) { self.init(rawValue: word) }

    /// Whether a batch stays there.
    var isTerminal: Bool {
        switch self {
        case .failed, .expired, .completed, .cancelled: true
        case .validating, .finalizing, .cancelling, .inProgress: false
        }
    }
}
