import NIOCore

/// An HTTP proxy on the way to providers.
package struct UpstreamProxy: Sendable, CustomStringConvertible, CustomReflectable {
    package let endpoint: UpstreamEndpoint
    /// The value of `Proxy-Authorization`; a secret.
    let authorization: String?

    /// Reads what stands in `HTTPS_PROXY`: `http://user:password@host:port`, of which only the host has to be there.
    ///
    /// - Throws: ``UpstreamError`` with `.invalidRequest`; the message does not repeat the text, which may hold a password.
    package init(parsing text: String) throws(UpstreamError) {
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let scheme = parts.count == 2 ? parts[0].lowercased() : "http"
        guard scheme == "http" else {
            throw UpstreamError(.invalidRequest, "only proxies that are reached by http:// are supported")
        }
        let authority = (parts.last ?? "").prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let at = authority.lastIndex(of: "@")
        let host = at.map { authority[authority.index(after: $0)...] } ?? authority
        do {
            endpoint = try UpstreamURL(parsing: "http://\(host)").endpoint
        } catch {
            throw UpstreamError(.invalidRequest, "it is not of the form http://user:password@host:port")
        }
        authorization = try at.map { place throws(UpstreamError) in try Self.authorization(authority[..<place]) }
    }

    /// RFC 7617, of a user and a password that are percent-encoded.
    private static func authorization(_ credentials: Substring) throws(UpstreamError) -> String {
        var bytes: [UInt8] = []
        var rest = Array(credentials.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, digits.utf8.first != UInt8(ascii: "+"), let value = UInt8(digits, radix: 16)
            else {
                throw UpstreamError(.invalidRequest, "its user or password has a % that is not followed by two digits")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        if !bytes.contains(UInt8(ascii: ":")) { bytes.append(UInt8(ascii: ":")) }
        return "Basic " + Base64.encoded(bytes)
    }

    /// The place alone.
    package var description: String { "\(endpoint)" }

    /// The place alone.
    package var customMirror: Mirror { Mirror(self, children: ["endpoint": endpoint]) }
}

/// Which requests go through which proxy.
package struct UpstreamProxies: Sendable {
    private let http: UpstreamProxy?
    private let https: UpstreamProxy?
    private let exceptions: ProxyExceptions

    /// Makes the rules.
    ///
    /// - Parameters:
    ///   - http: For `http://` URLs.
    ///   - https: For `https://` URLs.
    ///   - exceptions: The hosts that are reached directly, as curl reads `NO_PROXY`: names with all below them,
    ///     addresses, networks such as `10.0.0.0/8`, or `*`, separated by commas or blanks.
    package init(http: UpstreamProxy? = nil, https: UpstreamProxy? = nil, exceptions: String = "") {
        self.http = http
        self.https = https
        self.exceptions = ProxyExceptions(exceptions)
    }

    /// The proxy for an endpoint; nil if it is reached directly.
    package func proxy(for endpoint: UpstreamEndpoint) -> UpstreamProxy? {
        guard let proxy = endpoint.scheme == .https ? https : http, !exceptions.contain(endpoint) else { return nil }
        return proxy
    }
}

/// RFC 4648 §4.
package enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Writes bytes, padded.
    package static func encoded(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? digits[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
