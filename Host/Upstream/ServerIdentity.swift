import NIOSSL

/// RFC 9525: whether a certificate speaks for the host that was asked for.
///
/// NIOSSL also accepts a certificate for the peer's address when a name was asked for. Who can answer for a name in DNS
/// and owns a certificate for an address, which public authorities issue, would pass. So names are compared once more,
/// with DNS names only, and without the common name.
enum ServerIdentity {
    static func certificate(_ certificate: NIOSSLCertificate, covers host: String) -> Bool {
        // Underscored, but there is no other way to the names of a certificate; NIOSSL's own check uses it too.
        certificate._subjectAlternativeNames().contains { name in
            guard name.nameType == .dnsName else { return false }
            return name.contents.withUnsafeBufferPointer { self.name(Array($0), covers: Array(host.utf8)) }
        }
    }

    /// Compares without regard to ASCII case; a star stands for exactly the first label.
    static func name(_ pattern: [UInt8], covers host: [UInt8]) -> Bool {
        let pattern = pattern.map(lowercased)
        let host = host.map(lowercased)
        let dot = UInt8(ascii: ".")
        guard pattern.starts(with: "*.".utf8) else { return !pattern.isEmpty && pattern == host }
        guard let end = host.firstIndex(of: dot), end > 0 else { return false }
        let parent = pattern.dropFirst(2)
        // A star right below a top-level domain would cover half the world.
        return parent.contains(dot) && host[(end + 1)...].elementsEqual(parent)
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
