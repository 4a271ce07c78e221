/// A model that the simulated OpenAI has.
struct OpenAIModel: Sendable {
    enum Kind: Sendable {
        case chat
        case embedding
    }

    let name: String
    /// The dated name that answers carry.
    let snapshot: String
    let kind: Kind
    let createdAt: Int
    var owner = "system"

    static let all = [
        OpenAIModel(name: "gpt-4o-mini", snapshot: "gpt-4o-mini-2024-07-18", kind: .chat, createdAt: 1_721_172_741),
        OpenAIModel(name: "gpt-4o", snapshot: "gpt-4o-2024-08-06", kind: .chat, createdAt: 1_715_367_049),
        OpenAIModel(
            name: "text-embedding-3-small",
            snapshot: "text-embedding-3-small",
            kind: .embedding,
            createdAt: 1_705_948_997
        ),
    ]

    /// The model of that name or snapshot that everybody has, nil if there is none.
    static func named(_ name: String) -> OpenAIModel? { all.first { $0.name == name || $0.snapshot == name } }

    /// The model as the API shows it.
    var json: JSON {
        ["id": .string(name), "object": "model", "created": .integer(createdAt), "owned_by": .string(owner)]
    }
}
