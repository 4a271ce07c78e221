import HostDatabase

/// Why the registry refused or failed.
package struct RegistryError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// There is no such user, team, key or copy.
        case notFound
        /// It exists already, or it is not in the state that this needs.
        case conflict
        /// A value is outside what is allowed.
        case invalid
        /// Whoever asks may not do this.
        case forbidden
        /// Whoever asks may not give a key these models.
        case modelsForbidden
        /// The database cannot be used now.
        case storeUnavailable
        /// A newer gateway has changed the tables.
        case schemaTooNew
        /// What is stored cannot be understood: a bug or a changed database.
        case internalError
    }

    package let code: Code
    /// One line: what failed and what to do; no secret, no user data.
    package let message: String
    /// The field of the request that is wrong.
    package let parameter: String?
    /// What lies beneath, for the debug log; never sent to a client.
    package let cause: (any Error)?

    /// Makes an error.
    package init(_ code: Code, _ message: String, parameter: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.parameter = parameter
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" }

    /// The message with what the database said, for logs and for whoever starts the gateway: it may name a server.
    package var detailedMessage: String {
        guard let cause = cause as? DatabaseError else { return message }
        return "\(message) \(cause.message)"
    }
}

extension RegistryError {
    /// Reads what a transaction threw.
    ///
    /// - Parameters:
    ///   - error: The error.
    ///   - purpose: What the transaction was for, such as `listing files`.
    init(caught error: any Error, while purpose: String) {
        switch error {
        case let error as RegistryError: self = error
        case let error as DatabaseError: self.init(database: error, while: purpose)
        default: self.init(.internalError, "The registry failed while \(purpose): see the log.", cause: error)
        }
    }

    private init(database error: DatabaseError, while purpose: String) {
        switch error.code {
        case .unavailable, .full, .readOnly, .corrupt, .timeout, .outcomeUnknown:
            self.init(
                .storeUnavailable,
                "The registry cannot use its database while \(purpose). Try again in a moment.",
                cause: error
            )
        case .uniqueViolation, .constraintViolation:
            self.init(
                .conflict,
                "The registry refused a record while \(purpose): it conflicts with another.",
                cause: error
            )
        case .misuse:
            self.init(.internalError, "The registry failed while \(purpose): see the log.", cause: error)
        }
    }

    /// The error for a stored value that no version of the gateway writes.
    static func unreadable(_ column: String) -> RegistryError {
        RegistryError(
            .internalError,
            "A record's \(column) cannot be read: the database was changed by something else than the gateway."
        )
    }
}
