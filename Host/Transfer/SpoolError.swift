/// Why the spool could not take or give back a file.
package struct SpoolError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The configured limit of all uploads together is reached; uploads that end make room.
        case full
        /// The file system has no space left.
        case diskFull
        /// The directory cannot be used; somebody must act.
        case unusableDirectory
        /// The operating system refused to open, read or write, or the host is shutting down.
        case failed
    }

    package let code: Code
    /// One line: what failed and what to do.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code.rawValue): \(message)" }
}
