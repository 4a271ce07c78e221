import CGantryPlugin

/// Why a function cannot be bound, or why a call of it failed.
package struct FunctionError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The library cannot be opened.
        case libraryRefused
        /// The library has no such function.
        case symbolMissing
        /// A binding makes no sense.
        case badBinding
        /// An argument does not fit the signature.
        case badArgument
        /// What the function gave breaks a rule.
        case badResult
        /// The function says that it failed.
        case failed
    }

    package let code: Code
    /// One line: what failed and why; no content of an argument.
    package let message: String
    /// Which of the caller's arguments is at fault, from 0.
    package let argument: Int?
    /// The function's own status, for `.failed`.
    package let status: gantry_status

    init(_ code: Code, _ message: String, argument: Int? = nil, status: gantry_status = 0) {
        self.code = code
        self.message = message
        self.argument = argument
        self.status = status
    }

    package var description: String { message }

    /// The name of a status in gantry_plugin.h; the number of one that it does not have.
    static func name(of status: gantry_status) -> String {
        switch Int(status) {
        case GANTRY_E_UNSUPPORTED: "GANTRY_E_UNSUPPORTED"
        case GANTRY_E_INVALID: "GANTRY_E_INVALID"
        case GANTRY_E_STATE: "GANTRY_E_STATE"
        case GANTRY_E_NOMEM: "GANTRY_E_NOMEM"
        case GANTRY_E_LIMIT: "GANTRY_E_LIMIT"
        case GANTRY_E_NOTFOUND: "GANTRY_E_NOTFOUND"
        case GANTRY_E_INTERNAL: "GANTRY_E_INTERNAL"
        default: "status \(status)"
        }
    }
}
