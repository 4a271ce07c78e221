import GantryPlugin

/// A part of a candidate that the client is shown.
enum AnswerPart {
    case text(String)
    case call(FunctionCall)

    /// Parts that would be lost in OpenAI's forms.
    private static let unspeakable = ["inlineData", "fileData", "executableCode", "codeExecutionResult"]

    /// Reads a part; nil for a thought, which is not part of the answer: its tokens are counted in the usage.
    ///
    /// - Parameters:
    ///   - part: An element of a candidate's `parts`.
    ///   - form: What the answer is for the client, for the failure's text.
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
