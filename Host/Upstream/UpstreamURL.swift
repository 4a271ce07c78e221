/// An absolute `http` or `https` URL, checked and split.
///
/// The parser accepts only what RFC 3986 allows and refuses what two parsers could read differently: user names,
/// fragments, backslashes, raw non-ASCII, numeric hosts that are not plain IPv4 addresses.
package struct UpstreamURL: Hashable, Sendable, CustomStringConvertible {
    /// Characters of a URL; longer ones are refused.
    package static let maximumLength = 16_384

    package let endpoint: UpstreamEndpoint
    /// Path and query as they go on the request line; starts with `/`.
    package let target: String
    /// What the `Host` header says.
    package let authority: String

    package var scheme: UpstreamEndpoint.Scheme { endpoint.scheme }
    /// A name in lower case, or an address; an IPv6 address has no brackets.
    package var host: String { endpoint.host }
    package var port: Int { endpoint.port }
    package var description: String { "\(scheme.rawValue)://\(authority)\(target)" }

    /// Parses a URL.
    ///
    /// - Throws: ``UpstreamError`` with `.invalidRequest`; the message does not repeat the URL.
    package init(parsing text: String) throws(UpstreamError) {
        var parser = UpstreamURLParser(text)
        endpoint = try parser.endpoint()
        target = try parser.target()
        authority = endpoint.authority
    }
}
