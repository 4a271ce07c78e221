import HostCore
import NIOCore

/// OpenAI's upload object; `file` is there when it has been completed.
struct UploadObject: Sendable {
    let upload: UploadSession
    let id: String
    let status: UploadStatus
    let file: FileObject?

    func json() throws -> ByteBuffer {
        let terms = upload.terms
        var buffer = ByteBuffer()
        // In the order of the alphabet, as in every answer.
        buffer.writeString("{\"bytes\":\(terms.sizeInBytes),\"created_at\":\(upload.createdAt.secondsSince1970)")
        buffer.writeString(",\"expires_at\":\(upload.expiresAt.secondsSince1970)")
        if let file {
            buffer.writeString(",\"file\":")
            try file.write(to: &buffer)
        }
        buffer.writeString(",\"filename\":")
        try buffer.writeJSON(terms.filename)
        buffer.writeString(",\"id\":")
        try buffer.writeJSON(id)
        buffer.writeString(",\"object\":\"upload\",\"purpose\":")
        try buffer.writeJSON(terms.purpose.rawValue)
        buffer.writeString(",\"status\":")
        try buffer.writeJSON(status.rawValue)
        buffer.writeString("}")
        return buffer
    }
}

/// OpenAI's part object.
struct UploadPartObject: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case id
        case createdAt = "created_at"
        case object
        case uploadID = "upload_id"
    }

    let id: String
    let createdAt: Int64
    let object = "upload.part"
    let uploadID: String
}
