import GantryPlugin

/// The body of `generateContent`, collected while a client's request is read.
///
/// What Gemini cannot express is refused with the member's place; nothing that could change the answer is dropped.
/// Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference, read 2026-11-22.
struct GeminiRequest {
    var conversation = Conversation()
    var generation: GenerationSettings
    var tools = ToolSettings()

    init(model: String) {
        generation = GenerationSettings(model: model)
    }

    func body(safetySettings: JSON?) throws(Failure) -> JSON {
        let generation = try generation.json()
        var body = JSONObject()
        body["contents"] = .array(conversation.contents)
        if !conversation.systemParts.isEmpty {
            body["systemInstruction"] = ["parts": .array(conversation.systemParts)]
        }
        try tools.write(to: &body)
        if generation.count > 0 { body["generationConfig"] = .object(generation) }
        body["safetySettings"] = safetySettings
        return .object(body)
    }

    /// Reads a member that means the same in every kind of request.
    ///
    /// - Returns: Whether the member was one of these.
    mutating func readShared(_ member: RequestNode.Member) throws(Failure) -> Bool {
        let node = member.node
        switch member.name {
        case "temperature": generation.set("temperature", to: try node.number())
        case "top_p": generation.set("topP", to: try node.number())
        case "parallel_tool_calls":
            guard try node.bool() else {
                throw node.unsupported("\(Wire.providerName) cannot be kept from calling tools in parallel.")
            }
        case "stream":
            _ = try node.bool()  // the host knows, and says so in the operation
        case "user", "safety_identifier", "prompt_cache_key":
            _ = try node.string()  // labels for the provider's records; they have no part in the answer
        case "service_tier":
            let tier = try node.string()
            guard tier == "auto" || tier == "default" else {
                throw node.unsupported("\(Wire.providerName) has no service tier '\(tier.prefix(40))'; use 'auto'.")
            }
        default: return false
        }
        return true
    }
}
