import Glibc

/// An address, or a network: the leading bits of 4 or 16 bytes.
struct AddressBlock: Sendable {
    private let bytes: [UInt8]
    private let bits: Int

    /// Reads `10.0.0.0/8`, `192.0.2.1`, `fc00::/7` or `[::1]`; nil for anything else.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts[0].hasPrefix("[") && parts[0].hasSuffix("]") ? parts[0].dropFirst().dropLast() : parts[0]
        guard let address = Self.bytes(of: String(name)) else { return nil }
        let bits = parts.count == 2 ? Int(parts[1]) : address.count * 8
        guard let bits, (0...address.count * 8).contains(bits) else { return nil }
        (bytes, self.bits) = (address, bits)
    }

    /// Whether an address lies in it; one of the other family never does.
    func contains(_ address: some RandomAccessCollection<UInt8>) -> Bool {
        guard address.count == bytes.count else { return false }
        return zip(address, bytes).enumerated().allSatisfy { place, pair in
            let rest = min(max(bits - place * 8, 0), 8)
            return (pair.0 ^ pair.1) >> UInt8(8 - rest) == 0
        }
    }

    /// The 4 or 16 bytes of an address; nil for anything else.
    static func bytes(of text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
