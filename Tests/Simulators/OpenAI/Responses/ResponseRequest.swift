/// A request for a response that was read, and its answer.
struct ResponseRequest {
    private static let ranges: [(name: String, range: ClosedRange<Double>)] = [
        ("temperature", 0...2), ("top_p", 0...1), ("max_output_tokens", 16...16_384), ("top_logprobs", 0...20),
        ("max_tool_calls", 1...128),
    ]

    let json: JSON
    private let model: OpenAIModel
    private let input: ResponseInput
    private let previous: ResponseRecord?

    var items: [JSON] { (previous?.conversation ?? []) + input.items }
    var question: String { input.answer.question }
    var isKept: Bool { json["store"]?.bool ?? true }
    var isBackground: Bool { json["background"]?.bool ?? false }
    var isStreamed: Bool { json["stream"]?.bool ?? false }

    /// Reads a request.
    ///
    /// - Parameters:
    ///   - value: What was sent.
    ///   - account: Who asks.
    ///   - previous: Finds the response that it continues.
    /// - Throws: ``OpenAIError`` and ``ShapeError``.
    init(_ value: JSON, account: OpenAIAccount, previous: (String) throws -> ResponseRecord) throws {
        json = try ShapeReader(acceptsSnakeCase: false).read(value, as: ResponsesShape.request)
        model = try account.model(json["model"]?.string ?? "")
        guard model.kind == .chat else {
            let message = "The requested model '\(model.name)' cannot be used with the Responses API."
            throw OpenAIError.invalid(message, param: "model", code: "unsupported_model")
        }
        try Self.check(json)
        self.previous = try json["previous_response_id"]?.string.map(previous)
        var input = ResponseInput(account: account, model: model.name, earlier: self.previous?.conversation ?? [])
        try input.read(json["input"])
        try input.read(tools: json["tools"]?.array ?? [])
        self.input = input
        try checkToolChoice()
    }

    private static func check(_ json: JSON) throws {
        for (name, range) in ranges {
            guard let value = json[name]?.number, !range.contains(value) else { continue }
            let message = "Invalid '\(name)': expected a value from \(range.lowerBound) to \(range.upperBound)."
            throw OpenAIError.invalid(message, param: name, code: "invalid_value")
        }
        try OpenAIMetadata.check(json["metadata"])
        if json["background"]?.bool == true, json["store"]?.bool == false {
            throw OpenAIError.invalid("Background mode requires 'store' to be true.", param: "background")
        }
        if json["stream_options"] != nil, json["stream"]?.bool != true {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            throw OpenAIError.invalid(message, param: "stream_options")
        }
        for name in ["conversation", "prompt"] {
            guard let value = json[name] else { continue }
            let id = value.string ?? value["id"]?.string ?? ""
            let message = "The \(name) with id '\(id)' was not found."
            throw OpenAIError(status: 404, message: message, param: name, code: "\(name)_not_found")
        }
        if json["text"]?["format"]?["type"]?.string == "json_schema" {
            for member in ["name", "schema"] where json["text"]?["format"]?[member] == nil {
                throw ShapeError(reason: .missingMember(member), path: "text.format")
            }
        }
    }

    private var functions: [String] {
        (json["tools"]?.array ?? []).filter { $0["type"]?.string == "function" }.compactMap { $0["name"]?.string }
    }

    private func checkToolChoice() throws {
        if let word = json["tool_choice"]?.string, !["none", "auto", "required"].contains(word) {
            let reason = ShapeError.Reason.wrongChoice(expected: ["none", "auto", "required"], value: word)
            throw ShapeError(reason: reason, path: "tool_choice")
        }
        if let name = json["tool_choice"]?["name"]?.string, !functions.contains(name) {
            let message = "Tool choice '\(name)' not found in 'tools' parameter."
            throw OpenAIError.invalid(message, param: "tool_choice")
        }
    }

    // MARK: The answer

    /// The response as it is in the end.
    func response(id: String, createdAt: Int) -> JSON {
        let (output, isCut) = output()
        let inputTokens = Tokens.count(of: JSON.array(items).text)
        let outputTokens = max(1, Tokens.count(of: output["content"]?.array?.first?["text"]?.string ?? ""))
        return [
            "id": .string(id), "object": "response", "created_at": .integer(createdAt),
            "status": isCut ? "incomplete" : "completed", "background": .bool(isBackground),
            "completed_at": isCut ? .null : .integer(createdAt), "error": .null,
            "incomplete_details": isCut ? ["reason": "max_output_tokens"] : .null,
            "instructions": json["instructions"] ?? .null, "max_output_tokens": json["max_output_tokens"] ?? .null,
            "max_tool_calls": json["max_tool_calls"] ?? .null, "model": .string(model.snapshot),
            "output": [output], "parallel_tool_calls": json["parallel_tool_calls"] ?? true,
            "previous_response_id": json["previous_response_id"] ?? .null,
            "prompt_cache_key": json["prompt_cache_key"] ?? .null,
            "reasoning": ["effort": json["reasoning"]?["effort"] ?? .null, "summary": .null],
            "safety_identifier": json["safety_identifier"] ?? .null, "service_tier": "default",
            "store": .bool(isKept), "temperature": json["temperature"] ?? 1.0,
            "text": json["text"] ?? ["format": ["type": "text"]], "tool_choice": json["tool_choice"] ?? "auto",
            "tools": json["tools"] ?? [], "top_logprobs": 0, "top_p": json["top_p"] ?? 1.0,
            "truncation": json["truncation"] ?? "disabled",
            "usage": [
                "input_tokens": .integer(inputTokens), "input_tokens_details": ["cached_tokens": 0],
                "output_tokens": .integer(outputTokens), "output_tokens_details": ["reasoning_tokens": 0],
                "total_tokens": .integer(inputTokens + outputTokens),
            ],
            "user": json["user"] ?? .null, "metadata": json["metadata"] ?? [:],
        ]
    }

    private func output() -> (item: JSON, isCut: Bool) {
        let isForced = json["tool_choice"]?.string == "required" && input.answer.toolResults.isEmpty
        if let name = json["tool_choice"]?["name"]?.string ?? (isForced ? functions.first : nil) {
            let item: JSON = [
                "type": "function_call", "id": .string("fc_" + RandomName.hexadecimal(32)),
                "call_id": .string("call_" + RandomName.alphanumeric(24)), "name": .string(name), "arguments": "{}",
                "status": "completed",
            ]
            return (item, false)
        }
        let cut = Tokens.cut(text, to: json["max_output_tokens"]?.integer)
        let part: JSON = ["type": "output_text", "text": .string(cut.text), "annotations": [], "logprobs": []]
        let item: JSON = [
            "type": "message", "id": .string("msg_" + RandomName.hexadecimal(32)),
            "status": cut.isCut ? "incomplete" : "completed", "role": "assistant", "content": [part],
        ]
        return (item, cut.isCut)
    }

    private var text: String {
        let format = json["text"]?["format"]
        switch format?["type"]?.string {
        case "json_object": return input.answer.json.text
        case "json_schema": return SchemaSample.value(for: format?["schema"] ?? .null, text: input.answer.text).text
        default:
            guard let previous else { return input.answer.text }
            return input.answer.text + " Before that you asked: \"\(previous.question)\""
        }
    }
}
