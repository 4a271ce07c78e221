import HTTPTypes

/// RFC 9112 §3.2: a request of HTTP/1.1 has exactly one Host, and one of HTTP/1.0 at most one.
///
/// The gateway has no use for its value. But whoever stands before it may go by another of two than whoever stands
/// behind, so none of them shall be made to choose.
enum HostRule {
    /// Judges a request.
    ///
    /// - Parameters:
    ///   - count: How many Host headers it has.
    ///   - isOld: Whether it is one of HTTP/1.0.
    /// - Returns: Why it is refused; nil if it keeps the rule.
    static func refusal(ofHosts count: Int, isOld: Bool) -> GatewayError? {
        switch count {
        case 1: return nil
        case 0 where isOld: return nil
        case 0: return refusal("The request has no Host header, which HTTP/1.1 demands.")
        default: return refusal("The request has more than one Host header.")
        }
    }

    private static func refusal(_ message: String) -> GatewayError {
        GatewayError(.badRequest, code: "malformed_http", message: message)
    }
}
