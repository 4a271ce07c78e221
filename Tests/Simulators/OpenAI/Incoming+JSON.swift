import NIOCore

extension Incoming {
    /// OpenAI takes file parts of up to 50 MB; as base64 with a conversation around them that is this.
    private static let largestDocument = 80 * 1024 * 1024

    /// The body, which must be JSON and say so.
    func json() async throws -> JSON {
        guard mediaType == "application/json" else {
            let message =
                "Unsupported content type: '\(mediaType ?? "")'. This API method only accepts 'application/json' "
                + "requests."
            throw OpenAIError.invalid(message, code: "unsupported_content_type")
        }
        return try Self.parse(try await body(upTo: Self.largestDocument))
    }

    /// Reads the body of a request that has nothing to say: none, or an empty object.
    func checkEmptyBody() async throws {
        let body = try await body(upTo: Self.largestDocument)
        guard !body.isBlank else { return }
        _ = try ShapeReader(acceptsSnakeCase: false).read(try Self.parse(body), as: .record([:]))
    }

    private static func parse(_ body: ByteBuffer) throws -> JSON {
        do {
            return try JSONParser.parse(body.readableBytesView)
        } catch {
            throw OpenAIError.invalid(
                "We could not parse the JSON body of your request: \(error.message) at byte \(error.offset)."
            )
        }
    }
}
