/// The hosts that no proxy is used for.
///
/// Read as curl reads `NO_PROXY` (https://curl.se/docs/manpage.html#NOPROXY, read 2026-11-22). Different from curl, this
/// machine itself is never reached by way of a proxy: another machine's loopback is not what was meant.
struct ProxyExceptions: Sendable {
    private enum Rule {
        case everything
        /// A name and everything below it; lower case, without dots around it.
        case name(String)
        case network(AddressBlock)
    }

    private let rules: [Rule]

    init(_ text: String) {
        let parts = text.split { $0 == "," || $0 == " " || $0 == "\t" }
        rules = parts.compactMap { Self.rule(String($0).lowercased()) }
    }

    func contain(_ endpoint: UpstreamEndpoint) -> Bool {
        let host = Self.trimmed(endpoint.host)
        let address = endpoint.isAddress ? AddressBlock.bytes(of: host) : nil
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
            case .network(let block): address.map { block.contains($0) } ?? false
            }
        }
    }

    private static func rule(_ text: String) -> Rule? {
        if text == "*" { return .everything }
        if let block = AddressBlock(text) { return .network(block) }
        let trimmed = trimmed(text)
        return trimmed.isEmpty || text.contains("/") ? nil : .name(trimmed)
    }

    /// Without a dot before or after it.
    private static func trimmed(_ name: String) -> String {
        let rest = name.hasPrefix(".") ? name.dropFirst() : name[...]
        return String(rest.hasSuffix(".") ? rest.dropLast() : rest)
    }
}
