import HTTPTypes

/// An answer that is an error, as the client sees it.
package struct GatewayError: Error, CustomStringConvertible {
    let status: HTTPResponse.Status
    let type: String
    let code: String?
    let parameter: String?
    let message: String
    /// Seconds, for `Retry-After`.
    let retryAfter: Int64?

    init(
        _ status: HTTPResponse.Status,
        type: String = "invalid_request_error",
        code: String? = nil,
        parameter: String? = nil,
        message: String,
        retryAfter: Int64? = nil
    ) {
        self.status = status
        self.type = type
        self.code = code
        self.parameter = parameter
        self.message = message
        self.retryAfter = retryAfter
    }

    /// A body that is larger than a route takes.
    static func bodyTooLarge(limit: Int) -> GatewayError {
        GatewayError(
            .contentTooLarge,
            code: "too_large",
            message: "The body is larger than the \(limit) bytes that this route takes."
        )
    }

    var body: ErrorBody {
        ErrorBody(error: .init(message: message, type: type, param: parameter, code: code))
    }

    package var description: String { "\(status.code) \(type): \(message)" }
}
