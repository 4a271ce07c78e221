/// Why a request to a provider was refused or failed.
package struct UpstreamError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The host name has no address.
        case dns
        /// No connection could be made.
        case connect
        /// The TLS handshake failed: unknown issuer, wrong host name, no common version.
        case tls
        /// The connection ended before the answer was complete.
        case reset
        /// A deadline passed.
        case timeout
        /// The head of the answer is over its limit.
        case tooLarge
        /// The address is not one the operator allows.
        case denied
        /// The request cannot be sent as it stands.
        case invalidRequest
        /// A file that is part of the body could not be read.
        case unreadableBody
        /// Too many requests already wait for a connection to this endpoint.
        case overloaded
        /// The peer does not speak HTTP/1.1.
        case protocolViolation
        /// The client was shut down.
        case cancelled
    }

    package let code: Code
    /// One line: what failed, where and what to do; holds no header, body or path of the request.
    package let message: String
    /// Whether the request, or a part of it, may have reached the provider.
    package var wasSent: Bool
    /// Whether any byte of an answer arrived.
    package var wasAnswered: Bool
    /// For the debug log; never sent to a client.
    package let cause: (any Error)?

    /// Makes an error.
    package init(
        _ code: Code,
        _ message: String,
        wasSent: Bool = false,
        wasAnswered: Bool = false,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.wasSent = wasSent
        self.wasAnswered = wasAnswered
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" }
}
