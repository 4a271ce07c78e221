/// Answers `POST /v1/chat/completions`.
struct ChatCompletion {
    let account: OpenAIAccount

    /// One choice of the answer.
    struct Choice {
        var content: String?
        var toolCall: (id: String, name: String)?
        var finishReason: String
    }

    func reply(to json: JSON) throws -> Reply {
        let request = try ShapeReader(acceptsSnakeCase: false).read(json, as: ChatShape.request)
        let model = try account.model(request["model"]?.string ?? "")
        guard model.kind == .chat else {
            let message =
                "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
                + "Did you mean to use v1/completions?"
            throw OpenAIError(status: 404, message: message, param: "model")
        }
        try ChatOptions.check(request)
        let messages = ChatMessages(account: account)
        let answer = try messages.answer(to: request["messages"]?.array ?? [], model: model.name)
        let choices = (0..<(request["n"]?.integer ?? 1)).map { Self.choice($0, request: request, answer: answer) }
        let completion = CompletionWriter(
            id: "chatcmpl-" + RandomName.alphanumeric(29),
            createdAt: account.clock.unixSeconds,
            model: model.snapshot,
            choices: choices,
            usage: Self.usage(of: request, choices: choices)
        )
        guard request["stream"]?.bool == true else { return .json(completion.json) }
        let includesUsage = request["stream_options"]?["include_usage"]?.bool ?? false
        return .events(completion.events(includesUsage: includesUsage))
    }

    private static func choice(_ index: Int, request: JSON, answer: AnswerText) -> Choice {
        if let name = calledTool(of: request, answer: answer) {
            let id = "call_" + RandomName.alphanumeric(24)
            return Choice(content: nil, toolCall: (id, name), finishReason: "tool_calls")
        }
        var text = answer.text
        if index > 0 { text = "(Choice \(index + 1).) " + text }
        switch request["response_format"]?["type"]?.string {
        case "json_object": text = answer.json.text
        case "json_schema":
            let schema = request["response_format"]?["json_schema"]?["schema"] ?? ["type": "object"]
            text = SchemaSample.value(for: schema, text: text).text
        default: break
        }
        for stop in request["stop"]?.array?.compactMap(\.string) ?? [request["stop"]?.string].compactMap(\.self) {
            guard !stop.isEmpty, let range = text.firstRange(of: stop) else { continue }
            text = String(text[..<range.lowerBound])
        }
        let limit = request["max_completion_tokens"]?.integer ?? request["max_tokens"]?.integer
        let cut = Tokens.cut(text, to: limit)
        return Choice(content: cut.text, toolCall: nil, finishReason: cut.isCut ? "length" : "stop")
    }

    /// The tool that the request forces, unless its result is there already.
    private static func calledTool(of request: JSON, answer: AnswerText) -> String? {
        if let name = request["tool_choice"]?["function"]?["name"]?.string { return name }
        guard request["tool_choice"]?.string == "required", answer.toolResults.isEmpty else { return nil }
        return request["tools"]?.array?.first?["function"]?["name"]?.string
    }

    private static func usage(of request: JSON, choices: [Choice]) -> JSON {
        let prompt = Tokens.count(of: request["messages"]?.text ?? "")
        let completion = choices.reduce(0) { $0 + max(1, Tokens.count(of: $1.content ?? $1.toolCall?.name ?? "")) }
        return [
            "prompt_tokens": .integer(prompt), "completion_tokens": .integer(completion),
            "total_tokens": .integer(prompt + completion),
            "prompt_tokens_details": ["cached_tokens": 0, "audio_tokens": 0],
            "completion_tokens_details": [
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            ],
        ]
    }
}
