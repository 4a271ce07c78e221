import CGantryPlugin

/// The commands to the host; the raw values are those of `GANTRY_CMD_*`.
enum CommandKind: UInt32 {
    case http = 1
    case pull = 4
    case abort = 5
    case wait = 6
    case token = 7
    case output = 8
    case pipe = 9
    case remember = 10
    case forget = 11
    case usage = 12
    case result = 13
    case error = 14

    /// Whether the host still takes it after CANCEL.
    var isAllowedAfterCancel: Bool { [.forget, .result, .error].contains(self) }
}

/// The flags of commands.
enum CommandFlags {
    static let refreshToken: UInt32 = 1
    static let idempotent: UInt32 = 1
    static let noRetry: UInt32 = 4
    static let retryable: UInt32 = 1
    static let fallBack: UInt32 = 2
}

extension gantry_command {
    init(_ kind: CommandKind, flags: UInt32 = 0, request: UInt32 = 0) {
        self.init()
        size = UInt32(truncatingIfNeeded: MemoryLayout<gantry_command>.size)
        self.kind = kind.rawValue
        self.flags = flags
        self.request = request
    }
}

extension HTTPRequest {
    var flags: UInt32 {
        (isIdempotent ? CommandFlags.idempotent : 0) | (allowsRetry ? 0 : CommandFlags.noRetry)
    }
}

extension Failure {
    var flags: UInt32 {
        (isRetryable ? CommandFlags.retryable : 0) | (mayFallBack ? CommandFlags.fallBack : 0)
    }

    init(refused kind: CommandKind, _ status: gantry_status) {
        self.init(.internalError, "The host refused the plugin's command `\(kind)` (status \(status)).")
    }

    /// The failure of a response that ends before it has begun.
    static var headless: Failure {
        Failure(.upstreamProtocol, "The provider's response has no head.", mayFallBack: true)
    }

    /// The failure that fits a FAILED event.
    init(network event: gantry_event, mayRepeat: Bool) {
        let detail = event.text.len > 0 ? ": \(event.text.string)" : "."
        switch event.code {
        case 1: self.init(.upstreamUnavailable, "The provider's name could not be resolved\(detail)")
        case 2: self.init(.upstreamUnavailable, "The provider could not be reached\(detail)")
        case 3: self.init(.upstreamUnavailable, "No secure connection to the provider could be made\(detail)")
        case 5: self.init(.upstreamTimeout, "The provider did not answer in time\(detail)")
        case 6: self.init(.upstreamProtocol, "The provider's answer is over the host's limit\(detail)")
        case 7:
            self.init(
                .internalError,
                "The plugin may not send requests there; add the host to the manifest's `hosts`\(detail)"
            )
        default: self.init(.upstreamUnavailable, "The connection to the provider broke\(detail)")
        }
        isRetryable = mayRepeat && ![3, 6, 7].contains(event.code)
        mayFallBack = mayRepeat
    }
}
