/// `general_settings.webhooks`: who is told when a batch or a fine-tuning job has ended, and how.
package struct WebhookSettings: Sendable {
    /// Which hosts may have private addresses.
    package enum PrivateHosts: Hashable, Sendable {
        case none
        case all
        case these([HostPattern])
    }

    /// Where objects are told about that name no URL of their own; it may hold a token.
    package let url: NetworkSettings.Text?
    /// The keys that every message is signed with, of 24 bytes at least; secrets.
    package let secrets: [[UInt8]]
    /// The hosts that clients may name; nil for any that is reached by `https`.
    package let allowedHosts: [HostPattern]?
    package let privateHosts: PrivateHosts

    /// Makes settings; the default is any `https` host with public addresses.
    package init(
        url: NetworkSettings.Text? = nil,
        secrets: [[UInt8]],
        allowedHosts: [HostPattern]? = nil,
        privateHosts: PrivateHosts = .none
    ) {
        self.url = url
        self.secrets = secrets
        self.allowedHosts = allowedHosts
        self.privateHosts = privateHosts
    }

    /// Whether a client may name this place.
    package func allows(scheme: String, host: String, port: Int) -> Bool {
        guard let allowedHosts else { return scheme == "https" }
        return allowedHosts.contains { $0.matches(scheme: scheme, host: host, port: port) }
    }

    /// Whether this place may have private addresses.
    package func allowsPrivateAddresses(scheme: String, host: String, port: Int) -> Bool {
        switch privateHosts {
        case .none: false
        case .all: true
        case .these: namesPrivateHost(scheme: scheme, host: host, port: port)
        }
    }

    /// Whether this place is named among those that may have private addresses: such a host may be reached through a
    /// proxy, of which nobody here knows where it leads.
    package func namesPrivateHost(scheme: String, host: String, port: Int) -> Bool {
        guard case .these(let hosts) = privateHosts else { return false }
        return hosts.contains { $0.matches(scheme: scheme, host: host, port: port) }
    }
}
