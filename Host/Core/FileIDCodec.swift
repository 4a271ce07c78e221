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
/// Gantry's own form is `file-` and 40 lower-case base-32 characters with a keyed tag in them: a made-up id is refused
/// before anything is looked up.
package struct FileIDCodec: Sendable {
    private let format: FileIDFormat
    private let own: TaggedID
    private let verified = VerifiedFileIDs()

    /// Makes a codec.
    ///
    /// - Parameters:
    ///   - format: The form of the ids that are written; all forms are read.
    ///   - authenticate: A keyed pseudo-random function of at least 9 bytes, such as HMAC-SHA256.
    package init(format: FileIDFormat, authenticate: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.format = format
        own = TaggedID(prefix: "file-", label: "gantry file id 1", authenticate: authenticate)
    }

    /// Writes a file's id as clients see it.
    package func text(for file: ManagedFile) -> String {
        text(for: file.id, mimeType: file.mimeType, targetNames: file.targetNames)
    }

    /// Writes the id of a file with these properties, which stand in LiteLLM's form alone.
    package func text(for id: FileID, mimeType: String, targetNames: [String]) -> String {
        switch format {
        case .gantry: own.text(for: id.uuid)
        case .litellm: LiteLLMFileID(uuid: id.uuid, mimeType: mimeType, targetNames: targetNames).text
        }
    }

    /// Reads an id as a client wrote it.
    package func read(_ text: String) -> FileIDReading {
        if own.hasForm(text) {
            if let id = verified.id(for: text) { return .managed(id) }
            guard let uuid = own.uuid(in: text) else { return .unknown }
            verified.insert(FileID(uuid: uuid), for: text)
            return .managed(FileID(uuid: uuid))
        }
        if let uuid = LiteLLMFileID.uuid(in: text) { return .managed(FileID(uuid: uuid)) }
        return Self.looksRaw(text) ? .raw : .unknown
    }

    /// Providers' forms: OpenAI and Anthropic `file-…`/`file_…`, Gemini `files/…` and its URI, Cloud Storage `gs://…`,
    /// S3 `s3://…`.
    private static func looksRaw(_ text: String) -> Bool {
        ["file-", "file_", "files/", "gs://", "s3://"].contains(where: text.hasPrefix)
            || (text.hasPrefix("https://generativelanguage.googleapis.com/") && text.contains("/files/"))
            || (text.hasPrefix("https://api.openai.com/") && text.contains("/files/"))
    }
}
