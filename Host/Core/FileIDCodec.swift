/// How the gateway spells file ids for clients.
package enum FileIDFormat: String, Sendable {
    /// `file-` and 40 characters.
    case gantry
    /// LiteLLM's base64 of `litellm_proxy:…`.
    case litellm
}

/// What a client's spelling of a file id turned out to be.
package enum FileIDReading: Hashable, Sendable {
    /// An id in one of the managed forms; whether the record exists is the registry's to say.
    case managed(FileID)
    /// A provider's own id or URI.
    case raw
    /// Nothing that this gateway has ever handed out.
    case unknown
}

/// Writes and reads file ids.
///
/// Gantry's own form is `file-` and 40 lower-case base-32 characters: 16 bytes of UUID and a 9-byte tag made with a key
/// that only the registry holds. A made-up id is refused before anything is looked up.
package struct FileIDCodec: Sendable {
    private static let prefix = "file-"
    private static let encodedLength = 40
    private static let tagLength = 9

    private let format: FileIDFormat
    private let verified = VerifiedFileIDs()
    private let authenticate: @Sendable ([UInt8]) -> [UInt8]

    /// Makes a codec.
    ///
    /// - Parameters:
    ///   - format: The form of the ids that are written; all forms are read.
    ///   - authenticate: A keyed pseudo-random function of at least 9 bytes, such as HMAC-SHA256.
    package init(format: FileIDFormat, authenticate: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.format = format
        self.authenticate = authenticate
    }

    /// Writes a file's id as clients see it.
    package func text(for file: ManagedFile) -> String {
        switch format {
        case .gantry:
            Self.prefix + Base32.encode(file.id.uuid.bytes + tag(of: file.id.uuid))
        case .litellm:
            LiteLLMFileID(uuid: file.id.uuid, mimeType: file.mimeType, targetNames: file.targetNames).text
        }
    }

    /// Reads an id as a client wrote it.
    package func read(_ text: String) -> FileIDReading {
        if text.hasPrefix(Self.prefix), text.utf8.count == Self.prefix.utf8.count + Self.encodedLength {
            if let id = verified.id(for: text) { return .managed(id) }
            let reading = readOwn(text.dropFirst(Self.prefix.count))
            if case .managed(let id) = reading { verified.insert(id, for: text) }
            return reading
        }
        if let uuid = LiteLLMFileID.uuid(in: text) { return .managed(FileID(uuid: uuid)) }
        return Self.looksRaw(text) ? .raw : .unknown
    }

    private func readOwn(_ encoded: Substring) -> FileIDReading {
        guard let bytes = Base32.decode(encoded), bytes.count == 16 + Self.tagLength,
            let uuid = RecordUUID(bytes: bytes.prefix(16))
        else { return .unknown }
        // Every byte is compared whatever the first ones were, so that a tag cannot be guessed byte by byte.
        let difference = zip(bytes.dropFirst(16), tag(of: uuid)).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 ? .managed(FileID(uuid: uuid)) : .unknown
    }

    private func tag(of uuid: RecordUUID) -> [UInt8] {
        Array(authenticate(Array("gantry file id 1".utf8) + uuid.bytes).prefix(Self.tagLength))
    }

    /// Providers' forms: OpenAI and Anthropic `file-…`/`file_…`, Gemini `files/…` and its URI, Cloud Storage `gs://…`,
    /// S3 `s3://…`.
    private static func looksRaw(_ text: String) -> Bool {
        ["file-", "file_", "files/", "gs://", "s3://"].contains(where: text.hasPrefix)
            || (text.hasPrefix("https://generativelanguage.googleapis.com/") && text.contains("/files/"))
            || (text.hasPrefix("https://api.openai.com/") && text.contains("/files/"))
    }
}
