import GantryPlugin

/// Turns the provider's refusals into failures, of which the host alone makes answers.
enum Refusal {
    /// The failure that fits a status; the provider's own words are not shown, for they may quote the key.
    static func failure(_ response: HTTPResponse) -> Failure {
        var failure = failure(response.status)
        failure.upstreamStatus = response.status
        let seconds = response.header("retry-after").flatMap { UInt32($0) } ?? 0
        failure.retryAfterMilliseconds = UInt64(min(seconds, 999_999)) * 1000
        failure.isRetryable = [.rateLimit, .upstreamUnavailable].contains(failure.reason)
        failure.mayFallBack = ![.invalid, .notFound, .tooLarge].contains(failure.reason)
        return failure
    }

    private static func failure(_ status: Int) -> Failure {
        switch status {
        case 401, 403: Failure(.upstreamAuthentication, "acme refused the credentials.")
        case 404: Failure(.notFound, "acme does not know this model.")
        case 413: Failure(.tooLarge, "The request is too large for acme.")
        case 429: Failure(.rateLimit, "acme has too many requests now.")
        case 400..<500: Failure(.invalid, "acme refused the request as invalid.")
        case 500...: Failure(.upstreamUnavailable, "acme is out of order.")
        default: Failure(.upstreamProtocol, "acme answered with an unexpected status.")
        }
    }
}
