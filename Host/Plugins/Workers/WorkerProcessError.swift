/// Why a worker could not be started, or did not do what it was asked.
struct WorkerProcessError: Error, CustomStringConvertible {
    enum Code: Sendable {
        /// The operating system did not start it.
        case cannotStart
        /// It ended before it answered.
        case ended
        /// It did not answer in time.
        case silent
        /// It sent what is no answer.
        case garbage
        /// It is not under the sandbox that it reports.
        case notSealed
    }

    let code: Code
    /// In a few words.
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    var description: String { message }
}
