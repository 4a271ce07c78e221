/// One uploaded file of one account.
struct OpenAIFile: OpenAIRecord {
    static let purposes = ["fine-tune", "assistants", "batch", "user_data", "vision", "evals"]
    /// OpenAI gives the bytes of these purposes only.
    static let downloadablePurposes = ["fine-tune", "batch", "batch_output", "fine-tune-results"]

    let id: String
    let number: Int
    let account: String
    let filename: String
    let purpose: String
    let mimeType: String
    let createdAt: Int
    let expiresAt: Int?
    let blob: Blob

    /// The file as the API shows it.
    var json: JSON {
        .members([
            "object": "file", "id": .string(id), "purpose": .string(purpose), "filename": .string(filename),
            "bytes": .integer(blob.bytes), "created_at": .integer(createdAt),
            "expires_at": expiresAt.map(JSON.integer) ?? .null, "status": "processed", "status_details": .null,
        ])
    }

    /// The file as the simulator's state shows it.
    var state: JSON {
        [
            "id": .string(id), "account": .string(account), "bytes": .integer(blob.bytes),
            "sha256": .string(blob.sha256), "filename": .string(filename), "purpose": .string(purpose),
            "mime_type": .string(mimeType), "created_at": .integer(createdAt),
            "expires_at": expiresAt.map(JSON.integer) ?? .null,
        ]
    }

    var attachment: Attachment {
        Attachment(kind: "file", name: filename, mimeType: mimeType, bytes: blob.bytes, sha256: blob.sha256)
    }

    var image: Attachment {
        Attachment(kind: "image", name: filename, mimeType: mimeType, bytes: blob.bytes, sha256: blob.sha256)
    }
}
