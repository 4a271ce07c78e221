/// Why the database refused or failed.
package struct DatabaseError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// It cannot be reached or has been closed.
        case unavailable
        /// No space is left.
        case full
        case readOnly
        /// What is stored is damaged, or is no database.
        case corrupt
        /// A row with the same unique value exists.
        case uniqueViolation
        /// Another rule of the tables was broken, such as a foreign key.
        case constraintViolation
        /// The wait was too long; nothing was done.
        case timeout
        /// The connection was lost while a transaction was being committed: it was done or it was not.
        case outcomeUnknown
        /// The statement, its arguments or the reading of its answer is wrong: a bug of the caller.
        case misuse
    }

    package let code: Code
    /// One line: what failed, where and what to do; never a value that was stored.
    package let message: String
    /// The driver's error, for the debug log.
    package let cause: (any Error)?

    /// Makes an error.
    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" }
}
