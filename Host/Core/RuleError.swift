/// Why a request is against the gateway's rules.
package struct RuleError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case invalidRequest
        case unsupported
        case modelNotFound
        case keyModelAccessDenied
        case adminOnly
        case fileNotFound
        case fileExpired
        /// No provider has it any more.
        case fileLost
        case fileAccessDenied
        case rawFileID
        case batchNotFound
        case batchAccessDenied
        case jobNotFound
        case jobAccessDenied
        case responseNotFound
        case responseAccessDenied
        case uploadNotFound
        case uploadAccessDenied
        case uploadExpired
        case uploadCompleted
        case uploadCancelled
        /// It is being completed.
        case uploadUnderWay
        case tooLarge
        /// What would serve it could not be loaded.
        case pluginFailed
    }

    package let code: Code
    /// One line for the client: what is wrong and what to do.
    package let message: String
    /// The field of the request that is wrong, in OpenAI's dotted form.
    package let parameter: String?

    /// Makes an error.
    package init(_ code: Code, _ message: String, parameter: String? = nil) {
        self.code = code
        self.message = message
        self.parameter = parameter
    }

    package var description: String { "\(code.rawValue): \(message)" }
}

extension RuleError {
    /// The error for a field that says something it may not: its name, and `what` it must be.
    package static func invalid(_ parameter: String, _ what: String) -> RuleError {
        RuleError(.invalidRequest, "\(parameter) \(what).", parameter: parameter)
    }

    /// The same for a line of a batch's input, counted from 1.
    package func inLine(_ number: Int) -> RuleError {
        RuleError(code, "Line \(number) of the input file cannot be used. \(message)", parameter: parameter)
    }

    /// The same about another field.
    package func about(_ parameter: String) -> RuleError { RuleError(code, message, parameter: parameter) }
}
