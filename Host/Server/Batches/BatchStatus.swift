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

    /// What clients see of a batch that has not been settled.
    static func open(_ word: String) -> String {
        guard let status = BatchStatus(word) else { return inProgress.rawValue }
        return (status.isTerminal ? .finalizing : status).rawValue
    }
}
