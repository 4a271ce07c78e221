/// Scheme and authority of a URL.
struct Origin: Equatable, Sendable {
    let scheme: String
    /// Host and port in lower case; the scheme's own port is left out.
    let authority: String

    var text: String { "\(scheme)://\(authority)" }

    /// Reads an address that has no path, query or user; `host:port` alone gets the default scheme, if there is one.
    init?(_ address: String, defaultScheme: String?) {
        guard let parts = Origin.split(address, defaultScheme: defaultScheme) else { return nil }
        guard parts.rest.isEmpty || parts.rest == "/" else { return nil }
        self = parts.origin
    }

    private init(scheme: String, authority: String) {
        self.scheme = scheme
        self.authority = authority
    }

    /// Divides a URL into its origin and what follows (path and query, perhaps empty).
    static func split(_ address: String, defaultScheme: String?) -> (origin: Origin, rest: String)? {
        let bytes = Array(address.utf8)
        // Anything outside visible ASCII has no place in a URL that is put on the wire.
        guard bytes.count <= 4096, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let separator = Array("://".utf8)
        var scheme = defaultScheme
        var start = 0
        if let index = bytes.indices.first(where: { bytes[$0...].starts(with: separator) }) {
            scheme = String(decoding: bytes[..<index], as: UTF8.self).lowercased()
            start = index + separator.count
        }
        guard let scheme, scheme == "http" || scheme == "https" else { return nil }
        let end = bytes[start...].firstIndex { "/?#".utf8.contains($0) } ?? bytes.count
        var authority = String(decoding: bytes[start..<end], as: UTF8.self).lowercased()
        let standardPort = scheme == "http" ? ":80" : ":443"
        if authority.hasSuffix(standardPort) { authority.removeLast(standardPort.count) }
        guard isAuthority(authority) else { return nil }
        return (Origin(scheme: scheme, authority: authority), String(decoding: bytes[end...], as: UTF8.self))
    }

    /// `host`, `host:port`, `[v6]` or `[v6]:port`; no user information.
    private static func isAuthority(_ authority: String) -> Bool {
        var host = Array(authority.utf8)[...]
        if host.first == UInt8(ascii: "[") {
            guard let close = host.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let inside = host[(host.startIndex + 1)..<close]
            guard !inside.isEmpty, inside.allSatisfy({ Wire.isAlphanumeric($0) || $0 == UInt8(ascii: ":") }) else {
                return false
            }
            let after = host[(close + 1)...]
            return after.isEmpty || (after.first == UInt8(ascii: ":") && isPort(after.dropFirst()))
        }
        if let colon = host.firstIndex(of: UInt8(ascii: ":")) {
            guard isPort(host[(colon + 1)...]) else { return false }
            host = host[..<colon]
        }
        guard !host.isEmpty else { return false }
        return host.allSatisfy { Wire.isAlphanumeric($0) || "-._".utf8.contains($0) }
    }

    private static func isPort(_ digits: ArraySlice<UInt8>) -> Bool {
        guard digits.allSatisfy(Wire.isDigit) else { return false }
        return UInt16(String(decoding: digits, as: UTF8.self)) != nil
    }
}
