import HostCore

/// The fields of an upload's form, as far as they have been read.
package struct UploadFields: Hashable, Sendable {
    /// The seconds that `expires_after[seconds]` may have: an hour to thirty days.
    package static let expirySeconds: ClosedRange<Int64> = 3600...2_592_000

    /// The text fields that an upload may have.
    static let names: Set<String> = [
        "purpose", "target_model_names", "target_model_names[]", "expires_after[anchor]", "expires_after[seconds]",
        "litellm_metadata", "custom_llm_provider",
    ]

    package private(set) var purpose: FilePurpose?
    /// The target names so far, each once; more may follow the file.
    package private(set) var targetNames: [String] = []
    package private(set) var expiresAfterSeconds: Int64?
    /// `litellm_metadata` as it was sent.
    package private(set) var metadata: String?
    /// Known once the file has begun.
    package private(set) var filename: String?
    /// Known once the file has begun.
    package private(set) var mimeType: String?
    private var hasAnchor = false
    private var namesSeen: Set<String> = []

    /// Makes the fields of an empty form.
    package init() {}

    /// Takes a text field.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, the parameter being the field.
    package mutating func set(_ name: String, to value: String) throws(RuleError) {
        if name == "target_model_names" || name == "target_model_names[]" {
            targetNames = TargetNames.parse(targetNames + [value])
            return
        }
        guard namesSeen.insert(name).inserted else {
            throw RuleError(.invalidRequest, "\(name) comes twice. Send it once.", parameter: name)
        }
        switch name {
        case "purpose": purpose = try Self.purpose(value)
        case "expires_after[anchor]":
            guard value == "created_at" else {
                throw RuleError(.invalidRequest, "\(name) must be created_at.", parameter: name)
            }
            hasAnchor = true
        case "expires_after[seconds]": expiresAfterSeconds = try Self.seconds(value)
        case "litellm_metadata": metadata = value
        // LiteLLM's clients send it; here the targets alone decide on the provider.
        case "custom_llm_provider": break
        default: throw Self.unknown(name)
        }
    }

    /// Takes the description of the file part.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, parameter `file`.
    package mutating func set(file part: MultipartPart) throws(RuleError) {
        guard namesSeen.insert("file").inserted else {
            throw RuleError(
                .invalidRequest,
                "There is more than one file. Upload one file per request.",
                parameter: "file"
            )
        }
        guard let name = part.filename, !name.isEmpty else {
            throw RuleError(
                .invalidRequest,
                "file has no file name. Send it as a file, as curl -F file=@name does.",
                parameter: "file"
            )
        }
        mimeType = try MIMEType.choose(contentType: part.contentType, filename: name)
        filename = name
    }

    /// The whole request, when the form has ended.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, the parameter being what is missing.
    package func request() throws(RuleError) -> UploadRequest {
        guard let filename, let mimeType else { throw Self.missing("file", "the file to upload") }
        guard let purpose else { throw Self.missing("purpose", Self.purposes) }
        guard hasAnchor || expiresAfterSeconds == nil else {
            throw Self.missing("expires_after[anchor]", "created_at, together with expires_after[seconds]")
        }
        guard !hasAnchor || expiresAfterSeconds != nil else {
            throw Self.missing("expires_after[seconds]", "a number of seconds, together with expires_after[anchor]")
        }
        return UploadRequest(
            purpose: purpose,
            targetNames: targetNames,
            expiresAfterSeconds: expiresAfterSeconds,
            filename: filename,
            mimeType: mimeType,
            metadata: metadata
        )
    }

    /// The whole request, if nothing that it needs is missing so far.
    package var completeRequest: UploadRequest? {
        // What is missing may still come.
        do { return try request() } catch { return nil }
    }

    /// Reads a purpose that a client may name.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, parameter `purpose`.
    package static func purpose(_ value: String) throws(RuleError) -> FilePurpose {
        guard let purpose = FilePurpose(rawValue: value), FilePurpose.requestable.contains(purpose) else {
            throw RuleError(.invalidRequest, "purpose must be one of: \(purposes).", parameter: "purpose")
        }
        return purpose
    }

    private static func seconds(_ value: String) throws(RuleError) -> Int64 {
        guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int64(value),
            expirySeconds.contains(seconds)
        else {
            throw RuleError(
                .invalidRequest,
                "expires_after[seconds] must be a whole number from \(expirySeconds.lowerBound) to "
                    + "\(expirySeconds.upperBound).",
                parameter: "expires_after[seconds]"
            )
        }
        return seconds
    }

    private static let purposes = FilePurpose.requestable.map(\.rawValue).joined(separator: ", ")

    private static func missing(_ name: String, _ what: String) -> RuleError {
        RuleError(.invalidRequest, "\(name) is missing: \(what).", parameter: name)
    }

    static func unknown(_ name: String) -> RuleError {
        RuleError(.invalidRequest, "There is no field \(name) in an upload.", parameter: name)
    }
}

/// What a client asks for when it uploads a file; the bytes are elsewhere.
package struct UploadRequest: Hashable, Sendable {
    package let purpose: FilePurpose
    /// The target names, each once; may be empty, which is for the model table to judge.
    package let targetNames: [String]
    package let expiresAfterSeconds: Int64?
    /// The last component of the name the client gave.
    package let filename: String
    /// Type and subtype in lower case.
    package let mimeType: String
    /// `litellm_metadata` as it was sent.
    package let metadata: String?

    /// Makes a request.
    package init(
        purpose: FilePurpose,
        targetNames: [String],
        expiresAfterSeconds: Int64?,
        filename: String,
        mimeType: String,
        metadata: String?
    ) {
        self.purpose = purpose
        self.targetNames = targetNames
        self.expiresAfterSeconds = expiresAfterSeconds
        self.filename = filename
        self.mimeType = mimeType
        self.metadata = metadata
    }
}
