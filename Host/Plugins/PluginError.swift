/// Why a plugin was refused or could not be set up.
package struct PluginError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The library is missing, foreign, writable by others, or not what its manifest says.
        case libraryRefused
        /// The operator trusts neither a signature of it nor its hash.
        case untrusted
        /// The library speaks another version of the ABI.
        case incompatible
        /// The plugin does not accept its configuration or a deployment's parameters.
        case configurationRefused
        /// As many versions of it are in the process as there may be.
        case tooManyGenerations
        /// Its manifest is refused.
        case manifestRefused
        /// A worker of the plugin died or fell silent when it was needed.
        case workerFailed
    }

    package let code: Code
    /// One line: what was refused, why, and what to do; no secret.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

extension PluginError {
    /// Under which reason it is counted.
    var reason: PluginRefusalReason {
        switch code {
        case .libraryRefused: .library
        case .incompatible: .abi
        case .configurationRefused: .configuration
        case .tooManyGenerations: .generations
        case .manifestRefused: .manifest
        case .workerFailed: .worker
        case .untrusted: .trust
        }
    }
}
