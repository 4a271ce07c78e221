/// Where a fine-tuning job is, in OpenAI's words.
enum JobStatus: String, Sendable {
    case queued, running, paused, succeeded, failed, cancelled
    case validatingFiles = "validating_files"

    /// Reads a plugin's word; nil for one that OpenAI does not have.
    init?(_ word: String) { self.init(rawValue: word) }

    /// Whether a job stays there.
    var isTerminal: Bool {
        switch self {
        case .succeeded, .failed, .cancelled: true
        case .validatingFiles, .queued, .running, .paused: false
        }
    }
}
