import NIOCore

/// How far an address can be reached, as the registries say whom it was given to.
///
/// Source: https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry, read 2026-11-23.
package enum AddressScope: Hashable, Sendable {
    /// From the whole internet.
    case everywhere
    /// From this machine or its own networks alone.
    case inside
    /// No service that somebody names lies there: link-local addresses, among which clouds keep the credentials of
    /// machines, multicast, and what is reserved or unspecified.
    case nowhere

    /// Judges 4 or 16 bytes, most significant first; an IPv6 address that stands for an IPv4 one is judged as that one.
    init(of address: [UInt8]) {
        guard address.count == 16 else {
            self = Self.nowhere4.contains(address) ? .nowhere : Self.inside4.contains(address) ? .inside : .everywhere
            return
        }
        if Self.mapped.contains(address) {
            self.init(of: Array(address[12...]))
        } else if Self.relayed.contains(address) {
            self.init(of: Array(address[2..<6]))
        } else if Self.nowhere6.contains(address) {
            self = .nowhere
        } else if Self.inside6.contains(address) {
            self = .inside
        } else {
            self = Self.global6.contains(address) ? .everywhere : .nowhere
        }
    }

    /// Judges where a connection is about to be made to.
    init(of address: SocketAddress) {
        self = address.ipAddress.flatMap(AddressBlock.bytes).map { Self(of: $0) } ?? .nowhere
    }

    private static let inside4 = blocks(
        // RFC 1918, RFC 6598 (behind a provider's NAT), loopback, and benchmarks, which some clusters number pods from.
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "198.18.0.0/15"
    )
    private static let nowhere4 = blocks(
        // "This network" reaches this machine on Linux.
        "0.0.0.0/8",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        // Where Alibaba and Azure keep what others keep at 169.254.169.254.
        "100.100.100.200",
        "168.63.129.16"
    )

    /// RFC 4291 §2.5.5.2 and RFC 6052: an IPv4 address in the last four bytes.
    private static let mapped = blocks("::ffff:0:0/96", "64:ff9b::/96")
    /// RFC 3056 (6to4): an IPv4 address behind the first two bytes.
    private static let relayed = blocks("2002::/16")
    // RFC 4193, loopback, the translation of private IPv4 (RFC 8215), and RFC 3513's site-local addresses.
    private static let inside6 = blocks("fc00::/7", "::1", "64:ff9b:1::/48", "fec0::/10")
    private static let nowhere6 = blocks(
        // Protocols' own, Teredo among them, and documentation.
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        // What clouds tell machines alone: Amazon (also for pods), Scaleway, Linode and Google.
        "fd00:ec2::/32",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "fd20:ce::254"
    )
    /// What has been given out; all else has no meaning yet, or one on a single link.
    private static let global6 = blocks("2000::/3")

    private static func blocks(_ texts: String...) -> AddressBlocks {
        AddressBlocks(
            blocks: texts.map { text in
                guard let block = AddressBlock(text) else { preconditionFailure("\(text) is not a block of addresses") }
                return block
            }
        )
    }

    private struct AddressBlocks: Sendable {
        let blocks: [AddressBlock]

        func contains(_ address: [UInt8]) -> Bool { blocks.contains { $0.contains(address) } }
    }
}

extension UpstreamEndpoint {
    /// How far the host can be reached if it is an address; nil for a name.
    package var addressScope: AddressScope? {
        isAddress ? AddressBlock.bytes(of: host).map { AddressScope(of: $0) } : nil
    }
}
