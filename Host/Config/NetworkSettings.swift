/// How the gateway reaches providers.
package struct NetworkSettings: Hashable, Sendable {
    /// A text with the place it was read from, for whoever finds it wrong.
    package struct Text: Hashable, Sendable {
        /// Perhaps a secret.
        package let text: String
        package let location: SourceLocation

        /// Makes a text.
        package init(text: String, location: SourceLocation) {
            self.text = text
            self.location = location
        }
    }

    /// The path of a PEM file of authorities to trust besides the system's.
    package let trustRoots: Text?
    /// The URLs of the proxies for each scheme; they may hold passwords.
    package let httpProxy: Text?
    package let httpsProxy: Text?
    /// The hosts that no proxy is used for, as `NO_PROXY` has them.
    package let proxyExceptions: String

    /// Makes settings; the default is no proxy and the system's authorities.
    package init(
        trustRoots: Text? = nil,
        httpProxy: Text? = nil,
        httpsProxy: Text? = nil,
        proxyExceptions: String = ""
    ) {
        self.trustRoots = trustRoots
        self.httpProxy = httpProxy
        self.httpsProxy = httpsProxy
        self.proxyExceptions = proxyExceptions
    }

    /// The variables that name proxies; they may hold passwords, and are for the host alone.
    package static let proxyVariables: Set<String> = [
        "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    ]
}

/// Reads what curl and LiteLLM read: `ssl_verify`, `SSL_CERT_FILE`, `HTTPS_PROXY` and its like.
struct NetworkSettingsReader {
    let reader: ValueReader

    func settings(_ liteLLM: SourceMapping?) throws(ConfigurationError) -> NetworkSettings {
        NetworkSettings(
            trustRoots: try trustRoots(liteLLM),
            httpProxy: variable("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
            httpsProxy: variable("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
            proxyExceptions: variable("no_proxy", "NO_PROXY")?.text ?? ""
        )
    }

    private func trustRoots(_ liteLLM: SourceMapping?) throws(ConfigurationError) -> NetworkSettings.Text? {
        guard let value = liteLLM?["ssl_verify"] else { return variable("SSL_CERT_FILE") }
        let resolved = try reader.resolved(value)
        switch resolved.content {
        case .bool(true): return variable("SSL_CERT_FILE")
        case .string(let path): return NetworkSettings.Text(text: path, location: value.location)
        default:
            throw ConfigurationError(
                .unsupported,
                at: value.location,
                "certificates are always verified. Name a PEM file of the authorities to trust, or remove the key."
            )
        }
    }

    /// The first of these variables that is set.
    private func variable(_ names: String...) -> NetworkSettings.Text? {
        for name in names {
            guard let text = reader.variable(name) else { continue }
            return NetworkSettings.Text(text: text, location: SourceLocation(file: "environment", key: name))
        }
        return nil
    }
}
