import GantryPlugin

/// An answer of Google's that is not a success.
///
/// Source: https://cloud.google.com/apis/design/errors, read 2026-11-22.
struct UpstreamError {
    let status: Int
    /// Google's word for the error, such as `RESOURCE_EXHAUSTED`; empty if it gave none.
    let code: String
    /// Google's own text, or an excerpt of an answer that is not Google's.
    let message: String
    let retryAfterMilliseconds: UInt64

    /// What a message to a client may hold of the provider's text, in characters.
    private static let messageLimit = 2000
    private static let excerptLimit = 300

    init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        let document = Wire.document(body)
        let retryAfter = headers.first { $0.name == "retry-after" }.flatMap { Self.seconds($0.value) }
        // A stream that was asked for without `alt=sse` wraps the error in an array.
        if let error = document?["error"] ?? document?.array?.first?["error"] {
            self.init(status: status, error: error, retryAfter: retryAfter)
            return
        }
        self.init(status: status, code: "", message: Self.excerpt(body), retryAfterMilliseconds: retryAfter ?? 0)
    }

    /// An error object, of a body or of an event in a stream; without a status its own code counts.
    init(status: Int?, error: JSON, retryAfter: UInt64? = nil) {
        // OAuth errors are a word and a description: RFC 6749 §5.2.
        let oauthCode = error.string
        let code = error["status"]?.string ?? oauthCode ?? error["errors"]?.array?.first?["reason"]?.string ?? ""
        self.init(
            status: status ?? error["code"]?.integer.flatMap { Int(exactly: $0) } ?? 500,
            code: Wire.isName(code, others: "_-", limit: 64) ? code : "",
            message: Self.printable(error["message"]?.string ?? "", limit: Self.messageLimit),
            retryAfterMilliseconds: Self.retryDelay(error["details"]) ?? retryAfter ?? 0
        )
    }

    private init(status: Int, code: String, message: String, retryAfterMilliseconds: UInt64) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// The failure of a call to Vertex AI or Cloud Storage; the message calls it `service`.
    func failure(service: String) -> Failure {
        switch status {
        case 401, 403: return credentialFailure(service)
        case 400 where isContextLength: return make(.contextLength, service)
        case 404: return make(.notFound, service, mayFallBack: true)
        case 408, 504: return make(.upstreamTimeout, service, isRetryable: true, mayFallBack: true)
        case 409, 412: return make(.conflict, service)
        case 413: return make(.tooLarge, service)
        case 416: return make(.invalid, service)
        case 429: return make(.rateLimit, service, isRetryable: true, mayFallBack: true)
        case 400..<500 where status != 499: return make(.invalid, service)
        case 501: return make(.unsupported, service, mayFallBack: true)
        case 499, 500...: return make(.upstreamUnavailable, service, isRetryable: true, mayFallBack: true)
        default: return make(.upstreamProtocol, service, mayFallBack: true)
        }
    }

    /// The failure of a request for a token.
    func tokenFailure(isMetadataServer: Bool) -> Failure {
        let service = isMetadataServer ? "The metadata server" : "Google's token endpoint"
        guard status == 429 || status == 408 || status >= 500 else { return credentialFailure(service) }
        return Failure(
            .upstreamUnavailable,
            "\(service) answered \(label); no access token could be had.",
            upstreamStatus: status,
            retryAfterMilliseconds: retryAfterMilliseconds,
            isRetryable: true,
            mayFallBack: true
        )
    }

    /// The provider's text stays out: it may quote a key, and the client can do nothing about it.
    private func credentialFailure(_ service: String) -> Failure {
        Failure(
            .upstreamAuthentication,
            "\(service) refused this deployment's credentials (\(label)); check vertex_credentials and their roles.",
            upstreamStatus: status,
            mayFallBack: true
        )
    }

    private func make(
        _ reason: FailureReason,
        _ service: String,
        isRetryable: Bool = false,
        mayFallBack: Bool = false
    ) -> Failure {
        Failure(
            reason,
            message.isEmpty ? "\(service) answered \(label)." : "\(service) answered \(label): \(message)",
            upstreamStatus: status,
            retryAfterMilliseconds: retryAfterMilliseconds,
            isRetryable: isRetryable,
            mayFallBack: mayFallBack
        )
    }

    private var label: String { code.isEmpty ? "\(status)" : "\(status) \(code)" }

    /// Gemini has no code of its own for this, only a sentence.
    ///
    /// It is "The input token count (N) exceeds the maximum number of tokens allowed (M)."
    private var isContextLength: Bool {
        let text = message.lowercased()
        return text.contains("token count") && text.contains("exceeds the maximum")
    }

    /// `google.rpc.RetryInfo`: the delay is in the body, not in a header.
    private static func retryDelay(_ details: JSON?) -> UInt64? {
        for detail in details?.array ?? [] {
            guard let type = detail["@type"]?.string, type.hasSuffix("google.rpc.RetryInfo") else { continue }
            guard let delay = detail["retryDelay"]?.string, delay.hasSuffix("s") else { continue }
            return seconds(String(delay.dropLast()))
        }
        return nil
    }

    /// Milliseconds of `34` or `1.5`, at most a day; nil if it is not such a number.
    private static func seconds(_ text: String) -> UInt64? {
        guard let value = Double(text), value.isFinite, value >= 0 else { return nil }
        return UInt64(min(value, 86400) * 1000)
    }

    private static func excerpt(_ body: [UInt8]) -> String {
        printable(String(decoding: body.prefix(excerptLimit * 4), as: UTF8.self), limit: excerptLimit)
    }

    /// One line: control characters become spaces, and what is too long ends in an ellipsis.
    private static func printable(_ text: String, limit: Int) -> String {
        var result = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < limit else { return String(result) + "..." }
            result.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
            count += 1
        }
        return String(result)
    }
}
