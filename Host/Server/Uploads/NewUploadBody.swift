import HostCore
import HostTransfer

/// The body of `POST /v1/uploads`.
struct NewUploadBody: StrictBody, Sendable {
    struct Expiry: Decodable, Sendable {
        let anchor: String?
        let seconds: ConfigurationValue?
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case filename
        case purpose
        case bytes
        case mimeType = "mime_type"
        case expiresAfter = "expires_after"
        case targetNames = "target_model_names"
        // LiteLLM's clients send it; here the targets alone decide on the provider.
        case provider = "custom_llm_provider"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    let filename: String
    let purpose: String
    /// Anything, so that one that is no whole number can be named.
    let bytes: ConfigurationValue
    let mimeType: String
    let expiresAfter: Expiry?
    let targetNames: TextOrList?
    let provider: String?

    /// What is asked for.
    ///
    /// - Parameter maximumBytes: What an upload may have.
    /// - Returns: The terms of the upload.
    /// - Throws: ``RuleError`` with `.invalidRequest` or `.tooLarge`, the parameter being the member.
    func terms(maximumBytes: Int64) throws(RuleError) -> UploadTerms {
        guard case .integer(let bytes) = bytes, bytes > 0 else {
            throw RuleError(.invalidRequest, "bytes must be a whole number of at least 1.", parameter: "bytes")
        }
        guard bytes <= maximumBytes else {
            throw RuleError(
                .tooLarge,
                "The file is larger than the \(maximumBytes) bytes that this gateway takes in parts.",
                parameter: "bytes"
            )
        }
        let filename = try lastComponent()
        return UploadTerms(
            purpose: try UploadFields.purpose(purpose),
            filename: filename,
            mimeType: try type(for: filename),
            sizeInBytes: bytes,
            targetNames: TargetNames.parse(targetNames?.texts ?? []),
            expiresAfterSeconds: try expiry()
        )
    }

    private func lastComponent() throws(RuleError) -> String {
        let last = ClientFilename.lastComponent(of: filename)
        guard !last.isEmpty, last.utf8.count <= ClientFilename.maximumLength, !ClientFilename.hasControls(last) else {
            throw RuleError(
                .invalidRequest,
                "filename must be a file's name of at most \(ClientFilename.maximumLength) bytes without control characters.",
                parameter: "filename"
            )
        }
        return last
    }

    private func type(for filename: String) throws(RuleError) -> String {
        do throws(RuleError) {
            return try MIMEType.choose(contentType: mimeType, filename: filename)
        } catch {
            throw RuleError(
                .invalidRequest,
                "mime_type must be of the form type/subtype, such as application/pdf.",
                parameter: "mime_type"
            )
        }
    }

    private func expiry() throws(RuleError) -> Int64? {
        guard let expiresAfter else { return nil }
        guard expiresAfter.anchor == "created_at", case .integer(let seconds)? = expiresAfter.seconds,
            UploadFields.expirySeconds.contains(seconds)
        else {
            throw RuleError(
                .invalidRequest,
                "expires_after must have the anchor created_at and seconds, a whole number from "
                    + "\(UploadFields.expirySeconds.lowerBound) to \(UploadFields.expirySeconds.upperBound).",
                parameter: "expires_after"
            )
        }
        return seconds
    }
}
