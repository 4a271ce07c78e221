/// Where connections go: requests with equal endpoints share a pool.
package struct UpstreamEndpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http
        case https

        var defaultPort: Int { self == .https ? 443 : 80 }
    }

    package let scheme: Scheme
    /// A name in lower case, or an address; an IPv6 address has no brackets.
    package let host: String
    package let port: Int

    /// What the `Host` header says: brackets around IPv6, no default port.
    package var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    /// Whether the host is an address and not a name.
    var isAddress: Bool {
        // The parser lets only dotted quads end in a digit-only label, and only addresses hold colons.
        let last = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).last ?? []
        return host.utf8.contains(UInt8(ascii: ":")) || last.allSatisfy { (0x30...0x39).contains($0) }
    }

    package var description: String { "\(scheme.rawValue)://\(authority)" }
}
