import Crypto

/// The SHA-256 of an API key: all of the key that is ever kept.
///
/// Looking a digest up by an index takes longer the more of it matches a stored one. That helps nobody: to use it, one
/// would have to choose digests, and a key with a chosen digest cannot be found. The keys themselves are never compared.
package struct KeyDigest: Hashable, Sendable {
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Digests a key's text.
    package init(of key: String) {
        var key = key
        self = key.withUTF8 { KeyDigest(of: UnsafeRawBufferPointer($0)) }
    }

    /// Digests a key's UTF-8 bytes.
    package init(of key: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: key)
        self = hash.finalize().withUnsafeBytes { digest in
            func word(_ index: Int) -> UInt64 { digest.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self) }
            return KeyDigest(first: word(0), second: word(1), third: word(2), fourth: word(3))
        }
    }

    private init(first: UInt64, second: UInt64, third: UInt64, fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    /// Reads the 32 bytes of a digest; nil for any other count.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self = bytes.withUnsafeBytes { digest in
            func word(_ index: Int) -> UInt64 { digest.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self) }
            return KeyDigest(first: word(0), second: word(1), third: word(2), fourth: word(3))
        }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
    }

    /// Whether two digests are the same, in a time that does not depend on where they differ.
    package func matches(_ other: KeyDigest) -> Bool {
        (first ^ other.first) | (second ^ other.second) | (third ^ other.third) | (fourth ^ other.fourth) == 0
    }
}
