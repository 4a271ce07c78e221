/// Why an operation failed, in the words of the host, which alone turns it into an HTTP answer.
public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The class that the host maps to a status.
    public var reason: FailureReason
    /// One line for the client: what failed and what to do; never a credential.
    public var message: String
    /// The provider's HTTP status, or 0.
    public var upstreamStatus: Int
    /// The request's member that is at fault, if the failure is about one.
    public var parameter: String?
    /// How long the provider asks to wait, or 0.
    public var retryAfterMilliseconds: UInt64
    /// Whether the same deployment may succeed later.
    public var isRetryable: Bool
    /// Whether another deployment may succeed.
    public var mayFallBack: Bool

    /// Makes a failure.
    public init(
        _ reason: FailureReason,
        _ message: String,
        upstreamStatus: Int = 0,
        parameter: String? = nil,
        retryAfterMilliseconds: UInt64 = 0,
        isRetryable: Bool = false,
        mayFallBack: Bool = false
    ) {
        self.reason = reason
        self.message = message
        self.upstreamStatus = upstreamStatus
        self.parameter = parameter
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.isRetryable = isRetryable
        self.mayFallBack = mayFallBack
    }

    /// The class and the message.
    public var description: String { "\(reason): \(message)" }
}

/// The classes of failures; the raw values are those of `GANTRY_ERR_*`.
public enum FailureReason: Int32, Sendable, CaseIterable {
    /// The request is malformed or names something that cannot be.
    case invalid = 1
    /// The provider or the adapter cannot do this.
    case unsupported = 2
    /// What the request names does not exist at the provider.
    case notFound = 3
    /// The state of what the request names forbids it.
    case conflict = 4
    /// The request or the file is over the provider's limit.
    case tooLarge = 5
    /// The conversation is over the model's limit.
    case contextLength = 6
    /// The provider's content policy refused it.
    case filtered = 7
    /// Too many requests for now.
    case rateLimit = 8
    /// The account's quota is used up.
    case quota = 9
    /// The provider refused the deployment's credentials.
    case upstreamAuthentication = 10
    /// The provider is unreachable or out of order.
    case upstreamUnavailable = 11
    /// The provider did not answer in time.
    case upstreamTimeout = 12
    /// The provider's answer cannot be understood.
    case upstreamProtocol = 13
    /// The client is gone.
    case cancelled = 14
    /// A fault of the adapter, the SDK or the host.
    case internalError = 15
}
