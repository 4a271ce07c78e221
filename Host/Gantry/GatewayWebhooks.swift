import HostConfig
import HostCore
import HostRegistry
import HostTransfer
import HostUpstream
import Logging
import NIOCore
import NIOPosix

/// What sends webhooks, if the configuration has them.
struct GatewayWebhooks: Sendable {
    let rules: WebhookRules
    private let signer: WebhookSigner
    private let client: UpstreamClient
    private let group: any EventLoopGroup

    /// Makes a client for receivers.
    ///
    /// - Parameters:
    ///   - settings: `general_settings.webhooks`.
    ///   - upstream: The configuration of the client for providers.
    ///   - group: The loops to send on.
    ///   - logger: For the client.
    /// - Throws: ``StartupError`` that names what is wrong with the default URL; ``UpstreamError``.
    init(_ settings: WebhookSettings, upstream: UpstreamConfiguration, group: any EventLoopGroup, logger: Logger) throws
    {
        rules = try Self.rules(settings)
        signer = WebhookSigner(keys: settings.secrets)
        client = try UpstreamClient(
            group: group,
            filePool: .singleton,
            configuration: WebhookClient.configuration(upstream, for: rules),
            logger: logger
        )
        self.group = group
    }

    /// The service that sends what the registry has.
    func sender(_ registry: Registry, logger: Logger) -> WebhookSender {
        WebhookSender(
            queue: registry,
            rules: rules,
            signer: signer,
            transport: WebhookClient(client: client, group: group),
            userAgent: "Gantry/\(gantryVersion)",
            logger: logger
        )
    }

    func shutdown() async { await client.shutdown() }

    private static func rules(_ settings: WebhookSettings) throws(StartupError) -> WebhookRules {
        do {
            return try WebhookRules(
                defaultURL: settings.url?.text,
                allowsHost: { settings.allows(scheme: $0, host: $1, port: $2) },
                allowsInside: { settings.allowsPrivateAddresses(scheme: $0, host: $1, port: $2) },
                trustsProxy: { settings.namesPrivateHost(scheme: $0, host: $1, port: $2) }
            )
        } catch {
            throw StartupError("\(settings.url.map { "\($0.location): " } ?? "")\(error.message)")
        }
    }
}
