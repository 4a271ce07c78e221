import GantryPlugin

/// Turns an example of a training file into Gemini's: `{"systemInstruction"?, "contents", "tools"?}`.
///
/// Source: https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare, read
/// 2026-11-23.
struct TuningExample {
    /// The line, with its end.
    let bytes: [UInt8]

    /// Translates a line: `{"messages", "tools"?, "parallel_tool_calls"?}`.
    ///
    /// - Throws: `.invalid` or `.unsupported`, with the place in the line.
    init(
        _ line: [UInt8],
        references: [Reference],
        settings: Settings,
        buckets: Set<String>
    ) throws(Failure) {
        let node = RequestNode(root: try InputLine.document(line))
        try node.allow(["messages", "tools", "parallel_tool_calls"])
        var translator = ChatRequestTranslator(
            media: MediaParts(files: FileReferences(references), buckets: buckets),
            model: settings.model
        )
        let messages = try node.required("messages")
        try translator.readMessages(messages)
        for member in try node.members() where try !translator.gemini.readShared(member) {
            _ = try translator.readTools(member)
        }
        let (conversation, tools) = (translator.gemini.conversation, translator.gemini.tools)
        let turns = conversation.turns
        guard turns.first?.role == .user else {
            throw messages.unsupported("An example for \(Wire.providerName) begins with a message of the user.")
        }
        guard turns.last?.role == .model else {
            throw messages.invalid("An example ends with the assistant's message, which the model is to learn.")
        }
        var example = JSONObject()
        if !conversation.systemParts.isEmpty {
            example["systemInstruction"] = ["role": "system", "parts": .array(conversation.systemParts)]
        }
        example["contents"] = .array(conversation.contents)
        if !tools.declarations.isEmpty {
            example["tools"] = [["functionDeclarations": .array(tools.declarations.map(Self.declaration))]]
        }
        bytes = InputLine.terminated(.object(example))
    }

    /// Data sets know a function's parameters as a schema of OpenAPI's, which is JSON Schema for what tools use of it.
    private static func declaration(_ declaration: JSON) -> JSON {
        var object = declaration.object ?? JSONObject()
        object["parameters"] = object["parametersJsonSchema"]
        object["parametersJsonSchema"] = nil
        return .object(object)
    }
}
