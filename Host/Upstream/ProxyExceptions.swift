import Glibc

/// The hosts that no proxy is used for.
///
/// Read as curl reads `NO_PROXY` (https://curl.se/docs/manpage.html#NOPROXY, read 2026-11-22). Different from curl, this
/// machine itself is never reached by way of a proxy: another machine's loopback is not what was meant.
struct ProxyExceptions: Sendable {
    private enum Rule {
        case everything
        /// A name and everything below it; lower case, without dots around it.
        case name(String)
        /// The leading bits of an address.
        case network([UInt8], bits: Int)
    }

    private let rules: [Rule]

    init(_ text: String) {
        let parts = text.split { $0 == "," || $0 == " " || $0 == "\t" }
        rules = parts.compactMap { Self.rule(String($0).lowercased()) }
    }

    func contain(_ endpoint: UpstreamEndpoint) -> Bool {
        let host = Self.trimmed(endpoint.host)
        let address = endpoint.isAddress ? Self.address(host) : nil
        if let address {
            if address.count == 4 && address[0] == 127 || address == [UInt8](repeating: 0, count: 15) + [1] {
                return true
            }
        } else if host == "localhost" || host.hasSuffix(".localhost") {
            return true
        }
        return rules.contains { rule in
            switch rule {
            case .everything: true
            case .name(let name): address == nil && (host == name || host.hasSuffix("." + name))
            case .network(let network, let bits): address.map { Self.covers($0, network, bits: bits) } ?? false
            }
        }
    }

    private static func rule(_ text: String) -> Rule? {
        if text == "*" { return .everything }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts[0].hasPrefix("[") && parts[0].hasSuffix("]") ? parts[0].dropFirst().dropLast() : parts[0]
        if let address = address(String(name)) {
            let bits = parts.count == 2 ? Int(parts[1]) : address.count * 8
            guard let bits, (0...address.count * 8).contains(bits) else { return nil }
            return .network(address, bits: bits)
        }
        let trimmed = trimmed(text)
        return trimmed.isEmpty || parts.count == 2 ? nil : .name(trimmed)
    }

    /// Without a dot before or after it.
    private static func trimmed(_ name: String) -> String {
        let rest = name.hasPrefix(".") ? name.dropFirst() : name[...]
        return String(rest.hasSuffix(".") ? rest.dropLast() : rest)
    }

    /// The 4 or 16 bytes of an address; nil for anything else.
    private static func address(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }

    private static func covers(_ address: [UInt8], _ network: [UInt8], bits: Int) -> Bool {
        guard address.count == network.count else { return false }
        return (0..<bits).allSatisfy { bit in
            let mask: UInt8 = 0x80 >> UInt8(bit % 8)
            return address[bit / 8] & mask == network[bit / 8] & mask
        }
    }
}
