/// What `POST /v1/batches` was sent.
///
/// Source: OpenAI's OpenAPI description 2.3.0, `CreateBatchRequest`, read 2026-11-22.
struct BatchRequest {
    private static let lifetimes = 3600...2_592_000
    private static let endpoints = [
        "/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/moderations",
        "/v1/images/generations", "/v1/images/edits", "/v1/videos",
    ]

    let inputFileID: String
    let endpoint: String
    let completionWindow: String
    let metadata: JSON?
    /// Seconds.
    let outputLifetime: Int?

    init(_ json: JSON) throws {
        let request = try ShapeReader(acceptsSnakeCase: false).read(json, as: Self.shape)
        inputFileID = request["input_file_id"]?.string ?? ""
        endpoint = request["endpoint"]?.string ?? ""
        completionWindow = request["completion_window"]?.string ?? ""
        metadata = request["metadata"]
        outputLifetime = request["output_expires_after"]?["seconds"]?.integer
        try OpenAIMetadata.check(metadata)
        guard OpenAIAccount.endpoints.contains(endpoint) else {
            let message = "The simulated OpenAI has no batches of '\(endpoint)'."
            throw OpenAIError.invalid(message, param: "endpoint", code: "invalid_value")
        }
        guard outputLifetime.map(Self.lifetimes.contains) ?? true else {
            let message = "Invalid 'output_expires_after.seconds': expected an integer between 3600 and 2592000."
            throw OpenAIError.invalid(message, param: "output_expires_after.seconds", code: "invalid_value")
        }
    }

    private static let shape = Shape.record(
        [
            "input_file_id": .string, "endpoint": .choice(endpoints), "completion_window": .choice(["24h"]),
            "metadata": .map(.string),
            "output_expires_after": .record(
                ["anchor": .choice(["created_at"]), "seconds": .integer],
                required: ["anchor", "seconds"]
            ),
        ],
        required: ["input_file_id", "endpoint", "completion_window"]
    )
}
