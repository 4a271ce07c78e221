import HostCore

/// OpenAI's file object, with its nine members always there.
struct FileObject: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case id
        case object
        case bytes
        case createdAt = "created_at"
        case filename
        case purpose
        case status
        case expiresAt = "expires_at"
        case statusDetails = "status_details"
    }

    let file: ManagedFile
    let id: String

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode("file", forKey: .object)
        try container.encode(file.sizeInBytes, forKey: .bytes)
        try container.encode(file.createdAt.secondsSince1970, forKey: .createdAt)
        try container.encode(file.filename, forKey: .filename)
        try container.encode(file.purpose.rawValue, forKey: .purpose)
        try container.encode("processed", forKey: .status)
        try container.encode(file.expiresAt?.secondsSince1970, forKey: .expiresAt)
        try container.encodeNil(forKey: .statusDetails)
    }
}

/// A page of files; OpenAI's schema wants `first_id` and `last_id` to be text, on an empty page too.
struct FileList: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case object
        case data
        case firstID = "first_id"
        case lastID = "last_id"
        case hasMore = "has_more"
    }

    let object = "list"
    let data: [FileObject]
    let firstID: String
    let lastID: String
    let hasMore: Bool

    init(_ data: [FileObject], hasMore: Bool) {
        self.data = data
        firstID = data.first?.id ?? ""
        lastID = data.last?.id ?? ""
        self.hasMore = hasMore
    }
}

/// What a delete answers.
struct FileDeletion: Encodable, Sendable {
    let id: String
    let object = "file"
    let deleted = true
}
