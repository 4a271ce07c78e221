import Crypto
import Foundation

/// The content of a `data:` URL with base64.
struct DataURL {
    let mimeType: String
    let content: Data

    /// Reads `data:TYPE;base64,…`.
    ///
    /// - Throws: ``OpenAIError`` 400 that names `path`.
    init(_ text: String, at path: String) throws {
        guard text.hasPrefix("data:"), let comma = text.firstIndex(of: ","),
            text[..<comma].hasSuffix(";base64"), let content = Data(base64Encoded: String(text[comma...].dropFirst()))
        else {
            throw OpenAIError.invalid(
                "Invalid '\(path)': expected a base64-encoded data URL, or a URL that can be fetched.",
                param: path,
                code: "invalid_value"
            )
        }
        mimeType = String(text[..<comma].dropFirst(5).dropLast(7))
        self.content = content
    }

    /// What an answer says of it.
    func attachment(kind: String, name: String?) -> Attachment {
        let digest = SHA256.hash(data: content).hexadecimal
        return Attachment(kind: kind, name: name, mimeType: mimeType, bytes: content.count, sha256: digest)
    }
}
