/// Rules of a chat request that span several fields or limit their values.
enum ChatOptions {
    private static let ranges: [(name: String, range: ClosedRange<Double>)] = [
        ("temperature", 0...2), ("top_p", 0...1), ("frequency_penalty", -2...2), ("presence_penalty", -2...2),
        ("n", 1...128), ("max_tokens", 1...16_384), ("max_completion_tokens", 1...16_384), ("top_logprobs", 0...20),
    ]

    /// Checks a request that has its shape.
    ///
    /// - Throws: ``OpenAIError`` 400.
    static func check(_ request: JSON) throws {
        for (name, range) in ranges {
            guard let value = request[name]?.number, !range.contains(value) else { continue }
            let (side, bound) =
                value < range.lowerBound ? ("below minimum", range.lowerBound) : ("above maximum", range.upperBound)
            let sign = value < range.lowerBound ? ">=" : "<="
            let message =
                "Invalid '\(name)': decimal \(side) value. Expected a value \(sign) \(bound), but got \(value) instead."
            throw OpenAIError.invalid(
                message,
                param: name,
                code: value < range.lowerBound ? "decimal_below_min_value" : "decimal_above_max_value"
            )
        }
        if request["stream_options"] != nil, request["stream"]?.bool != true {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            throw OpenAIError.invalid(message, param: "stream_options")
        }
        if let stops = request["stop"]?.array, !(1...4).contains(stops.count) {
            let message =
                "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with "
                + "length \(stops.count) instead."
            throw OpenAIError.invalid(message, param: "stop", code: "array_above_max_length")
        }
        try checkTools(of: request)
        try checkFormat(of: request)
    }

    private static func checkTools(of request: JSON) throws {
        let names = (request["tools"]?.array ?? []).compactMap { $0["function"]?["name"]?.string }
        for (index, name) in names.enumerated() {
            let isValid =
                (1...64).contains(name.count)
                && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
            guard isValid else {
                let path = "tools[\(index)].function.name"
                let message =
                    "Invalid '\(path)': string does not match pattern. Expected a string that matches the "
                    + "pattern '^[a-zA-Z0-9_-]+$'."
                throw OpenAIError.invalid(message, param: path, code: "invalid_value")
            }
        }
        guard let choice = request["tool_choice"] else { return }
        guard request["tools"] != nil else {
            let message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
            throw OpenAIError.invalid(message, param: "tool_choice")
        }
        if let word = choice.string, !["none", "auto", "required"].contains(word) {
            let reason = ShapeError.Reason.wrongChoice(expected: ["none", "auto", "required"], value: word)
            throw OpenAIError(ShapeError(reason: reason, path: "tool_choice"))
        }
        if let name = choice["function"]?["name"]?.string, !names.contains(name) {
            let message = "Invalid value for 'tool_choice': function '\(name)' is not among the given 'tools'."
            throw OpenAIError.invalid(message, param: "tool_choice")
        }
    }

    private static func checkFormat(of request: JSON) throws {
        switch request["response_format"]?["type"]?.string {
        case "json_object":
            guard request["messages"]?.text.lowercased().contains("json") != true else { return }
            let message =
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                + "'json_object'."
            throw OpenAIError.invalid(message, param: "messages")
        case "json_schema":
            guard request["response_format"]?["json_schema"] == nil else { return }
            throw OpenAIError(ShapeError(reason: .missingMember("json_schema"), path: "response_format"))
        default: return
        }
    }
}
