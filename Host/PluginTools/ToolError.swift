/// Why a command did not do what it was asked for.
package struct ToolError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A file or folder is missing, cannot be read or written, or is in the way.
        case file
        /// What was asked for makes no sense.
        case usage
        /// The answer is no: a signature is not good, a library is no plugin.
        case refused
    }

    package let code: Code
    /// One line: what failed, where, and what to do; no secret.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
