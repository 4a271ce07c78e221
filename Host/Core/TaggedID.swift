/// Writes and reads identifiers that nobody can make up: a prefix and 40 lower-case base-32 characters, which are 16 bytes
/// of UUID and a 9-byte tag made with a key that only the registry holds.
///
/// What an identifier stands for is part of what is authenticated: one of a batch is none of a response.
struct TaggedID: Sendable {
    private static let encodedLength = 40
    private static let tagLength = 9

    let prefix: String
    private let label: [UInt8]
    private let authenticate: @Sendable ([UInt8]) -> [UInt8]

    /// Makes a form of identifiers.
    ///
    /// - Parameters:
    ///   - prefix: What every text begins with.
    ///   - label: Told apart from those of all other forms by the tag; never changed.
    ///   - authenticate: A keyed pseudo-random function of at least 9 bytes, such as HMAC-SHA256.
    init(prefix: String, label: String, authenticate: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.prefix = prefix
        self.label = Array(label.utf8)
        self.authenticate = authenticate
    }

    /// The identifier of a record as clients see it.
    func text(for uuid: RecordUUID) -> String { prefix + Base32.encode(uuid.bytes + tag(of: uuid)) }

    /// Whether a text has the prefix and the length; it may still be forged.
    func hasForm(_ text: String) -> Bool {
        text.hasPrefix(prefix) && text.utf8.count == prefix.utf8.count + Self.encodedLength
    }

    /// The record that a text stands for; nil if it was not made with this key and label.
    func uuid(in text: String) -> RecordUUID? {
        guard hasForm(text), let bytes = Base32.decode(text.dropFirst(prefix.count)),
            bytes.count == 16 + Self.tagLength,
            let uuid = RecordUUID(bytes: bytes.prefix(16))
        else { return nil }
        // Every byte is compared whatever the first ones were, so that a tag cannot be guessed byte by byte.
        let difference = zip(bytes.dropFirst(16), tag(of: uuid)).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 ? uuid : nil
    }

    private func tag(of uuid: RecordUUID) -> [UInt8] {
        Array(authenticate(label + uuid.bytes).prefix(Self.tagLength))
    }
}
