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

    private static let all = [
        OpenAIModel(name: "gpt-4o-mini", snapshot: "gpt-4o-mini-2024-07-18", kind: .chat, createdAt: 1_721_172_741),
        OpenAIModel(name: "gpt-4o", snapshot: "gpt-4o-2024-08-06", kind: .chat, createdAt: 1_715_367_049),
        OpenAIModel(
            name: "text-embedding-3-small",
            snapshot: "text-embedding-3-small",
            kind: .embedding,
            createdAt: 1_705_948_997
        ),
    ]

    /// The answer to `GET /v1/models`.
    static var list: JSON { ["object": "list", "data": .array(all.map(\.json))] }

    /// The model of that name.
    ///
    /// - Throws: ``OpenAIError`` 404, `model_not_found`.
    static func named(_ name: String) throws -> OpenAIModel {
        guard let model = all.first(where: { $0.name == name || $0.snapshot == name }) else {
            let message = "The model `\(name)` does not exist or you do not have access to it."
            throw OpenAIError(status: 404, message: message, code: "model_not_found")
        }
        return model
    }

    /// The model as the API shows it.
    var json: JSON {
        ["id": .string(name), "object": "model", "created": .integer(createdAt), "owned_by": "system"]
    }
}
