/// Why a configuration cannot be used.
package struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case unreadable
        case tooLarge
        case syntax
        case wrongType
        case unknownKey
        case missingKey
        case badValue
        case duplicate
        case unsetVariable
        case unsupported
    }

    package let code: Code
    /// Where it stands; nil if it stands in no file.
    package let location: SourceLocation?
    /// One line: what is wrong and what to do; never a secret.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, at location: SourceLocation?, _ message: String) {
        self.code = code
        self.location = location
        self.message = message
    }

    /// The place and the message, such as `config.yaml:12: general_settings: master_key is missing`.
    package var description: String {
        location.map { "\($0): \(message)" } ?? message
    }
}
