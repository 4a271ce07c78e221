import HostCore

/// A page of objects in OpenAI's form.
struct ObjectList: Encodable {
    private enum CodingKeys: String, CodingKey {
        case object, data
        case firstID = "first_id"
        case lastID = "last_id"
        case hasMore = "has_more"
    }

    let object = "list"
    let data: [ConfigurationValue]
    /// Absent on an empty page, and where OpenAI has none.
    let firstID: String?
    let lastID: String?
    let hasMore: Bool
}
