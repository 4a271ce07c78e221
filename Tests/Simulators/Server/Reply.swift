import HTTPTypes
import NIOCore

/// An answer before it is put on the wire.
struct Reply: Sendable {
    enum Body: Sendable {
        case empty
        case bytes(ByteBuffer)
        /// Sent one by one in chunks.
        case events([ByteBuffer])
        /// A range of stored bytes.
        case blob(BlobStore, Blob, Range<Int>)
    }

    var status: Int
    var headers: HTTPFields
    var body: Body

    init(status: Int, headers: HTTPFields = [:], body: Body = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer of JSON.
    static func json(_ value: JSON, status: Int = 200, headers: HTTPFields = [:]) -> Reply {
        var headers = headers
        headers[.contentType] = "application/json; charset=UTF-8"
        return Reply(status: status, headers: headers, body: .bytes(value.buffer))
    }

    /// An answer of server-sent events.
    static func events(_ events: [ByteBuffer]) -> Reply {
        let headers: HTTPFields = [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache"]
        return Reply(status: 200, headers: headers, body: .events(events))
    }

    /// How many bytes the body has, nil where they are sent in chunks.
    var contentLength: Int? {
        switch body {
        case .empty: 0
        case .bytes(let bytes): bytes.readableBytes
        case .events: nil
        case .blob(_, _, let range): range.count
        }
    }
}

extension HTTPFields {
    /// Sets a field by a name that need not be a known one; an invalid name is ignored.
    mutating func set(_ name: String, _ value: String) {
        guard let name = HTTPField.Name(name) else { return }
        self[name] = value
    }
}
