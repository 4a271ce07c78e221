import FoundationEssentials
import HostCore
import NIOCore

/// OpenAI's file object, with its nine members always there.
///
/// It is written in place: a page has up to ten thousand of them, and an encoder takes more time for one than the
/// database.
struct FileObject: Sendable {
    let file: ManagedFile
    let id: String

    func json() throws -> ByteBuffer {
        var buffer = ByteBuffer()
        try write(to: &buffer)
        return buffer
    }

    func write(to buffer: inout ByteBuffer) throws {
        // In the order of the alphabet, as in every answer.
        buffer.writeString("{\"bytes\":\(file.sizeInBytes),\"created_at\":\(file.createdAt.secondsSince1970)")
        buffer.writeString(",\"expires_at\":\(file.expiresAt.map { String($0.secondsSince1970) } ?? "null")")
        buffer.writeString(",\"filename\":")
        try buffer.writeJSON(file.filename)
        buffer.writeString(",\"id\":")
        try buffer.writeJSON(id)
        buffer.writeString(",\"object\":\"file\",\"purpose\":")
        try buffer.writeJSON(file.purpose.rawValue)
        buffer.writeString(",\"status\":\"processed\",\"status_details\":null}")
    }
}

/// A page of files; OpenAI's schema wants `first_id` and `last_id` to be text, on an empty page too.
struct FileList: Sendable {
    /// What a file of the usual kind needs.
    private static let usualObjectSize = 256

    let data: [FileObject]
    let hasMore: Bool

    func json() throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: (data.count + 1) * Self.usualObjectSize)
        buffer.writeString("{\"data\":[")
        for (index, object) in data.enumerated() {
            if index > 0 { buffer.writeString(",") }
            try object.write(to: &buffer)
        }
        buffer.writeString("],\"first_id\":")
        try buffer.writeJSON(data.first?.id ?? "")
        buffer.writeString(",\"has_more\":\(hasMore),\"last_id\":")
        try buffer.writeJSON(data.last?.id ?? "")
        buffer.writeString(",\"object\":\"list\"}")
        return buffer
    }
}

extension ByteBuffer {
    /// Writes a string as JSON has it, RFC 8259 §7.
    mutating func writeJSON(_ text: String) throws {
        let needsEscape = text.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
        if needsEscape {
            writeImmutableBuffer(try ByteBuffer(json: text))
        } else {
            writeString("\"")
            writeString(text)
            writeString("\"")
        }
    }
}

/// What a delete answers.
struct FileDeletion: Encodable, Sendable {
    let id: String
    let object = "file"
    let deleted = true
}
