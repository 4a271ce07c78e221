import HostCore
import HostUpstream

/// Who may be told that a batch or a fine-tuning job has ended.
///
/// Addresses are judged when a connection is made, by the client's ``AddressRule``: what stands here is said to whoever
/// makes an object, in time to correct it.
package struct WebhookRules: Sendable {
    /// Says something about a scheme, a host and a port.
    package typealias HostJudgement = @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool

    /// The key in an object's metadata that names a URL.
    package static let metadataKey = "webhook_url"
    /// No webhooks: a URL in the metadata is refused.
    package static let off = WebhookRules()

    private static let longestURL = 2048

    private let isOn: Bool
    private let defaultURL: String?
    private let allowsHost: HostJudgement
    private let allowsInside: HostJudgement
    private let trustsProxy: HostJudgement

    /// Makes the rules of a gateway with webhooks.
    ///
    /// - Parameters:
    ///   - defaultURL: Told about objects that name no URL; the operator's choice, so every host is allowed for it alone.
    ///   - allowsHost: Whether clients may name a place.
    ///   - allowsInside: Whether a place may have an address of this machine or its own networks.
    ///   - trustsProxy: Whether a proxy may choose the address of a place, which nobody here judges then.
    /// - Throws: ``RuleError`` if the default URL is not one, or an address that is refused.
    package init(
        defaultURL: String?,
        allowsHost: @escaping HostJudgement,
        allowsInside: @escaping HostJudgement,
        trustsProxy: @escaping HostJudgement
    ) throws(RuleError) {
        isOn = true
        self.allowsHost = allowsHost
        self.allowsInside = allowsInside
        self.trustsProxy = trustsProxy
        guard let defaultURL else {
            self.defaultURL = nil
            return
        }
        self.defaultURL = try Self.parsed(defaultURL, allowsInside).description
    }

    private init() {
        isOn = false
        defaultURL = nil
        allowsHost = { _, _, _ in false }
        allowsInside = { _, _, _ in false }
        trustsProxy = { _, _, _ in false }
    }

    /// Where the end of a new object is told.
    ///
    /// - Parameter requested: `metadata.webhook_url`; nil if the metadata has none.
    /// - Returns: What is kept with the object; nil if nobody is told.
    /// - Throws: ``RuleError`` with `.unsupported` without webhooks, else `.invalidRequest`; the parameter is
    ///   `metadata.webhook_url`.
    package func target(requested: String?) throws(RuleError) -> String? {
        guard let requested else { return defaultURL }
        return try url(requested).description
    }

    /// Reads a URL that may be told, now or still.
    func url(_ text: String) throws(RuleError) -> UpstreamURL {
        guard isOn else {
            throw Self.refusal(
                "This gateway sends no webhooks. Leave metadata.webhook_url out, or have general_settings.webhooks set.",
                .unsupported
            )
        }
        let url = try Self.parsed(text, allowsInside)
        guard text == defaultURL || allowsHost(url.scheme.rawValue, url.host, url.port) else {
            let isPlain = url.scheme == .http
            throw Self.refusal(
                isPlain
                    ? "The webhook URL must start with https:// unless its host is allowed with http://."
                    : "The host of the webhook URL is not one that this gateway sends webhooks to."
            )
        }
        return url
    }

    /// The rule for the client that webhooks are sent with.
    package var addressRule: AddressRule {
        AddressRule(
            allowsInside: { [allowsInside] in allowsInside($0.scheme.rawValue, $0.host, $0.port) },
            trustsProxy: { [trustsProxy] in trustsProxy($0.scheme.rawValue, $0.host, $0.port) }
        )
    }

    private static func parsed(_ text: String, _ allowsInside: HostJudgement) throws(RuleError) -> UpstreamURL {
        guard text.utf8.count <= longestURL else {
            throw refusal("The webhook URL has more than \(longestURL) bytes. Shorten it.")
        }
        let url: UpstreamURL
        do {
            url = try UpstreamURL(parsing: text)
        } catch {
            throw refusal("The webhook URL is refused: \(error.message).")
        }
        switch url.endpoint.addressScope {
        case nil, .everywhere: return url
        case .inside where allowsInside(url.scheme.rawValue, url.host, url.port): return url
        case .inside, .nowhere: throw refusal("The webhook URL has an address that is not public. Name another.")
        }
    }

    private static func refusal(_ message: String, _ code: RuleError.Code = .invalidRequest) -> RuleError {
        RuleError(code, message, parameter: "metadata.\(metadataKey)")
    }
}
