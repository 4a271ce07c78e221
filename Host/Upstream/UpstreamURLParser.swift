import NIOCore

/// Reads a URL from left to right, once.
struct UpstreamURLParser {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    // MARK: Scheme and authority

    mutating func endpoint() throws(UpstreamError) -> UpstreamEndpoint {
        guard bytes.count <= UpstreamURL.maximumLength else { throw Self.refusal("is too long") }
        let scheme = try scheme()
        let end = bytes[position...].firstIndex(where: Self.endsAuthority) ?? bytes.count
        let authority = bytes[position..<end]
        position = end
        guard !authority.isEmpty else { throw Self.refusal("has no host") }
        let (host, port) = authority.first == UInt8(ascii: "[") ? try Self.ipv6(authority) : try Self.name(authority)
        return UpstreamEndpoint(scheme: scheme, host: host, port: port ?? scheme.defaultPort)
    }

    private mutating func scheme() throws(UpstreamError) -> UpstreamEndpoint.Scheme {
        for scheme in [UpstreamEndpoint.Scheme.https, .http] {
            let prefix = Array("\(scheme.rawValue)://".utf8)
            guard bytes.count >= prefix.count else { continue }
            if zip(bytes, prefix).allSatisfy({ Self.lowercased($0) == $1 }) {
                position = prefix.count
                return scheme
            }
        }
        throw Self.refusal("must start with http:// or https://")
    }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
    }

    private static func name(_ authority: ArraySlice<UInt8>) throws(UpstreamError) -> (String, Int?) {
        let end = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        let host = authority[..<end].map(lowercased)
        guard !host.contains(UInt8(ascii: "@")), !authority.contains(UInt8(ascii: "@")) else {
            throw refusal("must not hold a user name or password")
        }
        guard host.count <= 253 else { throw refusal("has a host name that is too long") }
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy({ (1...63).contains($0.count) && $0.allSatisfy(isNameByte) }), let last = labels.last
        else { throw refusal("has a host name with a character or label that is not allowed") }
        // getaddrinfo reads "127.1", "2130706433" and "0x7f.1" as addresses, which an allow-list of names does not see.
        if isNumber(last), !isDottedQuad(labels) { throw refusal("has a numeric host that is not an IPv4 address") }
        return (String(decoding: host, as: UTF8.self), try port(authority[end...]))
    }

    private static func ipv6(_ authority: ArraySlice<UInt8>) throws(UpstreamError) -> (String, Int?) {
        guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { throw refusal("has an open bracket") }
        let text = authority[authority.index(after: authority.startIndex)..<close]
        guard text.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) else {
            throw refusal("has an IPv6 address that is not one")
        }
        do {
            let address = try SocketAddress(ipAddress: String(decoding: text, as: UTF8.self), port: 0)
            guard case .v6 = address, let canonical = address.ipAddress else {
                throw refusal("has an IPv6 address that is not one")
            }
            return (canonical, try port(authority[authority.index(after: close)...]))
        } catch let error as UpstreamError {
            throw error
        } catch {
            throw refusal("has an IPv6 address that is not one")
        }
    }

    /// Reads `:port`, or nothing.
    private static func port(_ text: ArraySlice<UInt8>) throws(UpstreamError) -> Int? {
        guard let colon = text.first else { return nil }
        let digits = text.dropFirst()
        guard colon == UInt8(ascii: ":"), (1...5).contains(digits.count), digits.allSatisfy(isDigit),
            let port = Int(String(decoding: digits, as: UTF8.self)), (1...65_535).contains(port)
        else { throw refusal("has a port that is not a number from 1 to 65535") }
        return port
    }

    // MARK: Path and query

    mutating func target() throws(UpstreamError) -> String {
        var isQuery = false
        var index = position
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "?") { isQuery = true }
            if byte == UInt8(ascii: "#") { throw Self.refusal("must not have a fragment") }
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.count, Self.isHexDigit(bytes[index + 1]), Self.isHexDigit(bytes[index + 2])
                else { throw Self.refusal("has a % that two hexadecimal digits do not follow") }
            } else if !Self.isTargetByte(byte, inQuery: isQuery) {
                throw Self.refusal("has a character that must be percent-encoded")
            }
            index += 1
        }
        let text = String(decoding: bytes[position...], as: UTF8.self)
        return text.utf8.first == UInt8(ascii: "/") ? text : "/" + text
    }

    // MARK: Characters

    private static func refusal(_ what: String) -> UpstreamError {
        UpstreamError(.invalidRequest, "the URL \(what)")
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercased(byte))
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercased(byte))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    /// Whether inet_aton would take the label for a number.
    private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
        label.allSatisfy(isDigit)
            || (label.starts(with: "0x".utf8) && label.dropFirst(2).allSatisfy(isHexDigit))
    }

    private static func isDottedQuad(_ labels: [ArraySlice<UInt8>]) -> Bool {
        labels.count == 4
            && labels.allSatisfy { label in
                label.count <= 3 && label.allSatisfy(isDigit) && (label.count == 1 || label.first != UInt8(ascii: "0"))
                    && label.reduce(0, { $0 * 10 + Int($1 - UInt8(ascii: "0")) }) <= 255
            }
    }

    private static func isTargetByte(_ byte: UInt8, inQuery: Bool) -> Bool {
        if isAlphanumeric(byte) { return true }
        switch UnicodeScalar(byte) {
        // RFC 3986 §3.3: pchar and the slash; §3.4 adds the question mark.
        case "-", ".", "_", "~", "!", "$", "&", "'", "(", ")", "*", "+", ",", ";", "=", ":", "@", "/": return true
        // Brackets are outside RFC 3986, but widely used to name array parameters.
        case "?", "[", "]": return inQuery
        default: return false
        }
    }
}
