extension OpenAIAccount {
    private static let conversationPurposes = ["user_data", "assistants", "vision"]

    /// A file that a conversation names.
    ///
    /// - Throws: ``OpenAIError`` that names `path`: 400 for what is no file's id or not for conversations, 404.
    func file(_ id: String, at path: String) throws -> OpenAIFile {
        guard id.hasPrefix("file-") else {
            let message = "Invalid '\(path)': '\(id)'. Expected an ID that begins with 'file-'."
            throw OpenAIError.invalid(message, param: path, code: "invalid_value")
        }
        guard let file = try files.file(id, of: name) else {
            throw OpenAIError(status: 404, message: "File not found: \(id)", param: path)
        }
        guard Self.conversationPurposes.contains(file.purpose) else {
            let message = "Invalid file: files of purpose '\(file.purpose)' cannot be used in a conversation."
            throw OpenAIError.invalid(message, param: path, code: "invalid_value")
        }
        return file
    }

    /// An image by its URL, which may hold it.
    ///
    /// - Throws: ``OpenAIError`` 400 that names `path`.
    func image(_ url: String, at path: String) throws -> Attachment {
        if url.hasPrefix("https://") || url.hasPrefix("http://") {
            return Attachment(kind: "image", name: url, mimeType: nil, bytes: nil, sha256: nil)
        }
        let content = try DataURL(url, at: path)
        guard content.mimeType.hasPrefix("image/") else {
            throw OpenAIError.invalid("Invalid MIME type. Only image types are supported.", param: path)
        }
        return content.attachment(kind: "image", name: nil)
    }
}
