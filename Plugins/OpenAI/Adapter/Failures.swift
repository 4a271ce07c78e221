import GantryPlugin

/// Turns the provider's refusals into failures.
///
/// Source: <https://platform.openai.com/docs/guides/error-codes>, read 2026-11-22.
enum Failures {
    private static let longestMessage = 2_048

    /// The failure that fits a response other than one of success.
    static func failure(_ response: HTTPResponse, _ body: [UInt8]) -> Failure {
        let error = ProviderError(body)
        var failure = Failure(
            reason(response.status, error),
            message(response.status, error),
            upstreamStatus: response.status,
            parameter: error.parameter,
            retryAfterMilliseconds: response.retryAfterMilliseconds
        )
        setFlags(&failure, error)
        if response.header("x-should-retry") == "false" { failure.isRetryable = false }
        return failure
    }

    /// A failure whose message has the client's ids in the place of the provider's.
    static func inClientsWords(_ failure: Failure, _ references: [Reference]) -> Failure {
        var failure = failure
        for reference in references where reference.kind != .model && !reference.upstreamID.isEmpty {
            failure.message = failure.message.replacing(reference.upstreamID, with: reference.clientID)
        }
        return failure
    }

    /// The failure that an event tells with which a stream begins.
    static func failure(event: [UInt8]) -> Failure {
        let error = ProviderError(event)
        let status =
            if error.has("server_error", "internal_error") {
                500
            } else {
                error.has("rate_limit_exceeded", "insufficient_quota") ? 429 : 400
            }
        var failure = Failure(reason(status, error), message(status, error), parameter: error.parameter)
        setFlags(&failure, error)
        return failure
    }

    /// The failure of a download; most files cannot be downloaded at all.
    static func contentFailure(_ response: HTTPResponse, _ body: [UInt8]) -> Failure {
        var failure = failure(response, body)
        if response.status == 400, failure.message.contains("Not allowed to download") {
            failure.reason = .unsupported
            failure.message += " OpenAI gives back only files for batches and fine-tuning; name another deployment, "
            failure.message += "one that gives files back, in target_model_names when you upload."
        }
        return failure
    }

    private static func reason(_ status: Int, _ error: ProviderError) -> FailureReason {
        switch status {
        case 401, 403: return .upstreamAuthentication
        // DeepSeek's and OpenRouter's way to say that the account has no money left.
        case 402: return .quota
        case 404: return .notFound
        case 408, 504: return .upstreamTimeout
        case 409: return .conflict
        case 413: return .tooLarge
        case 429: return error.has("insufficient_quota") ? .quota : .rateLimit
        // Groq has no room for requests of a lower service tier; <https://console.groq.com/docs/errors>,
        // read 2026-11-23.
        case 498: return .upstreamUnavailable
        case 400..<500:
            if error.has("context_length_exceeded", "exceed_context_size_error") { return .contextLength }
            return error.has("content_policy_violation", "content_filter") ? .filtered : .invalid
        case 500...: return .upstreamUnavailable
        default: return .upstreamProtocol
        }
    }

    private static func setFlags(_ failure: inout Failure, _ error: ProviderError) {
        switch failure.reason {
        case .rateLimit, .upstreamUnavailable, .upstreamTimeout:
            failure.isRetryable = true
            failure.mayFallBack = true
        case .quota, .upstreamAuthentication, .upstreamProtocol:
            failure.mayFallBack = true
        case .notFound:
            failure.mayFallBack = error.has("model_not_found")
        default: break
        }
    }

    private static func message(_ status: Int, _ error: ProviderError) -> String {
        if status == 401 || status == 403 {
            // The provider's text may quote the key; its code cannot, once it looks like one.
            let code = error.codes.first { isWord($0) }.map { " (\($0))" } ?? ""
            return "The provider refused this deployment's credentials\(code)."
        }
        guard let message = error.message, !message.isEmpty else {
            return "The provider answered with status \(status)."
        }
        guard message.utf8.count > longestMessage else { return message }
        var length = "…".utf8.count
        let start = message.unicodeScalars.prefix { scalar in
            length += UTF8.width(scalar)
            return length <= longestMessage
        }
        return String(start) + "…"
    }

    private static func isWord(_ text: String) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        return (1...48).contains(text.utf8.count)
            && text.utf8.allSatisfy { letters.contains($0) || $0 == UInt8(ascii: "_") }
    }
}
