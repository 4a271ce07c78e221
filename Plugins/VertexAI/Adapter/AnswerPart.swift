import GantryPlugin

/// A part of a candidate that the client is shown.
enum AnswerPart {
    case text(String)
    case call(FunctionCall)

    /// Parts that would be lost in OpenAI's forms.
    private static let unspeakable = ["inlineData", "fileData", "executableCode", "codeExecutionResult"]

    /// Reads a part.
    ///
    /// - Parameters:
    ///   - part: An element of a candidate's `parts`.
    ///   - form: What the answer is for the client, for the failure's text.
    /// - Returns: nil for a thought, which is not part of the answer; its tokens are counted in the usage.
    /// - Throws: `.upstreamProtocol` for a part that OpenAI's form has no place for.
    init?(_ part: JSON, form: StaticString) throws(Failure) {
        if let call = part["functionCall"] {
            self = .call(try FunctionCall(call, in: part))
        } else if let text = part["text"]?.string {
            guard part["thought"]?.bool != true else { return nil }
            self = .text(text)
        } else if let kind = part.object?.names.first(where: Self.unspeakable.contains) {
            throw Failure(
                .upstreamProtocol,
                "\(Wire.providerName) answered with '\(kind)', which \(form) cannot carry.",
                mayFallBack: true
            )
        } else {
            return nil
        }
    }
}

/// A function that the model calls.
struct FunctionCall {
    /// Gemini's id of the call, which Vertex AI seldom gives.
    let id: String?
    let name: String
    /// A JSON object as text.
    let arguments: String
    /// Gemini's signature of its thoughts; it wants to have it back with the call.
    let extraContent: JSON?

    fileprivate init(_ call: JSON, in part: JSON) throws(Failure) {
        guard let name = call["name"]?.string else {
            throw Failure(.upstreamProtocol, "\(Wire.providerName) answered with a function call without a name.")
        }
        let arguments = call["args"].flatMap { $0.object == nil ? nil : $0 } ?? [:]
        id = call["id"]?.string
        self.name = name
        self.arguments = String(decoding: arguments.serialized(), as: UTF8.self)
        extraContent = part["thoughtSignature"]?.string.map { ["google": ["thought_signature": .string($0)]] }
    }
}

/// Where both forms of an answer look first.
enum UpstreamAnswer {
    /// The payload of an event of `streamGenerateContent`.
    ///
    /// - Parameter payload: A `GenerateContentResponse`, or an error.
    /// - Returns: The response.
    /// - Throws: The error of the event, or `.upstreamProtocol`.
    static func event(_ payload: [UInt8]) throws(Failure) -> JSON {
        guard let event = Wire.document(payload), event.object != nil || event.array != nil else {
            throw Failure(.upstreamProtocol, "An event of \(Wire.providerName)'s stream is not JSON.")
        }
        if let error = event["error"] ?? event.array?.first?["error"] {
            throw UpstreamError(status: nil, error: error).failure(service: Wire.providerName)
        }
        return event
    }

    /// Refuses an answer of `generateContent` that is an error in spite of its status.
    static func requireNoError(_ response: JSON) throws(Failure) {
        guard let error = response["error"] else { return }
        throw UpstreamError(status: nil, error: error).failure(service: Wire.providerName)
    }

    static let noCandidates = Failure(
        .upstreamProtocol,
        "\(Wire.providerName) answered without a candidate and without a reason; try again.",
        isRetryable: true,
        mayFallBack: true
    )

    static let truncated = Failure(
        .upstreamProtocol,
        "\(Wire.providerName)'s stream ended before the answer did.",
        isRetryable: true,
        mayFallBack: true
    )
}
