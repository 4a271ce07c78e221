import GantryPlugin

/// What a response repeats of its request, with what holds where the request says nothing.
struct ResponseEcho {
    private var object: JSONObject = {
        var object = JSONObject()
        object["background"] = false
        object["instructions"] = .null
        object["max_output_tokens"] = .null
        object["metadata"] = [:]
        object["parallel_tool_calls"] = true
        object["previous_response_id"] = .null
        object["reasoning"] = ["effort": .null, "summary": .null]
        object["service_tier"] = "default"
        object["store"] = false
        object["temperature"] = .null
        object["text"] = ["format": ["type": "text"]]
        object["tool_choice"] = "auto"
        object["tools"] = []
        object["top_p"] = .null
        object["truncation"] = "disabled"
        return object
    }()

    var members: [(name: String, value: JSON)] { object.members }

    private static let shared = ["temperature", "top_p", "user", "safety_identifier", "prompt_cache_key"]

    subscript(name: String) -> JSON? {
        get { object[name] }
        set { object[name] = newValue }
    }

    /// Takes over a member that requests of all kinds have, if responses repeat it.
    mutating func repeatShared(_ member: RequestNode.Member) {
        guard Self.shared.contains(member.name) else { return }
        object[member.name] = member.node.value
    }

    /// A function among the tools, which a response shows with all its members.
    static func function(_ tool: JSON) -> JSON {
        var function = JSONObject()
        function["type"] = "function"
        function["name"] = tool["name"]
        function["description"] = tool["description"]
        function["parameters"] = tool["parameters"] ?? .null
        // Nothing is held to its schema unless the request asks for it: not every model can.
        function["strict"] = .bool(tool["strict"]?.bool ?? false)
        return .object(function)
    }
}
