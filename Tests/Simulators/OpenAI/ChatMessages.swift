import Foundation

/// Checks the messages of a chat request and gathers what the answer speaks of.
struct ChatMessages {
    let account: OpenAIAccount

    /// Reads messages that have their shape already.
    ///
    /// - Returns: The answer to give; `model` is the name it begins with.
    func answer(to messages: [JSON], model: String) throws -> AnswerText {
        guard !messages.isEmpty else {
            let message =
                "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty "
                + "array instead."
            throw OpenAIError.invalid(message, param: "messages", code: "empty_array")
        }
        try Self.checkToolCalls(messages)
        var answer = AnswerText(model: model)
        var toolNames: [String: String] = [:]
        for (index, message) in messages.enumerated() {
            let path = "messages[\(index)]"
            let role = message["role"]?.string ?? ""
            var texts: [String] = []
            switch message["content"] {
            case .string(let text): texts = [text]
            case .array(let parts):
                for (place, part) in parts.enumerated() {
                    try read(part, role: role, at: "\(path).content[\(place)]", into: &answer, &texts)
                }
            default:
                guard role == "assistant", message["tool_calls"] != nil || message["refusal"] != nil else {
                    throw OpenAIError(ShapeError(reason: .missingMember("content"), path: path))
                }
            }
            for call in message["tool_calls"]?.array ?? [] {
                toolNames[call["id"]?.string ?? ""] = call["function"]?["name"]?.string
            }
            let text = texts.joined(separator: " ")
            if role == "user" { answer.question = text }
            if role == "tool" {
                answer.toolResults.append((toolNames[message["tool_call_id"]?.string ?? ""] ?? "?", text))
            }
        }
        return answer
    }

    private func read(
        _ part: JSON,
        role: String,
        at path: String,
        into answer: inout AnswerText,
        _ texts: inout [String]
    ) throws {
        let type = part["type"]?.string ?? ""
        let allowed =
            switch role {
            case "user": ["text", "image_url", "input_audio", "file"]
            case "assistant": ["text", "refusal"]
            default: ["text"]
            }
        guard allowed.contains(type) else {
            throw OpenAIError(ShapeError(reason: .wrongChoice(expected: allowed, value: type), path: "\(path).type"))
        }
        for member in part.object?.keys ?? [] where !["type", type, "prompt_cache_breakpoint"].contains(member) {
            throw OpenAIError(ShapeError(reason: .unknownMember(member), path: path))
        }
        guard let value = part[type] else {
            throw OpenAIError(ShapeError(reason: .missingMember(type), path: path))
        }
        switch type {
        case "text": texts.append(value.string ?? "")
        case "image_url":
            answer.attachments.append(try account.image(value["url"]?.string ?? "", at: "\(path).image_url.url"))
        case "input_audio": answer.attachments.append(try audio(value, at: "\(path).input_audio"))
        case "file": answer.attachments.append(try file(value, at: "\(path).file"))
        default: break
        }
    }

    private func file(_ value: JSON, at path: String) throws -> Attachment {
        switch (value["file_id"]?.string, value["file_data"]?.string) {
        case (let id?, nil):
            return try account.file(id, at: "\(path).file_id").attachment
        case (nil, let data?):
            let content = try DataURL(data, at: "\(path).file_data")
            return content.attachment(kind: "file", name: value["filename"]?.string)
        default:
            let message = "Invalid '\(path)': exactly one of 'file_id' and 'file_data' must be given."
            throw OpenAIError.invalid(message, param: path, code: "invalid_value")
        }
    }

    private func audio(_ value: JSON, at path: String) throws -> Attachment {
        let format = value["format"]?.string ?? ""
        return try DataURL("data:audio/\(format);base64,\(value["data"]?.string ?? "")", at: "\(path).data")
            .attachment(kind: "recording", name: nil)
    }

    /// Every call is answered by the tool messages right after it, and by nothing else.
    private static func checkToolCalls(_ messages: [JSON]) throws {
        var open: Set<String> = []
        for (index, message) in messages.enumerated() {
            if message["role"]?.string == "tool" {
                guard let id = message["tool_call_id"]?.string, open.remove(id) != nil else {
                    let message =
                        "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
                        + "message with 'tool_calls'."
                    throw OpenAIError.invalid(message, param: "messages[\(index)].role")
                }
                continue
            }
            try checkAnswered(open, at: index)
            open = Set((message["tool_calls"]?.array ?? []).compactMap { $0["id"]?.string })
        }
        try checkAnswered(open, at: messages.count - 1)
    }

    private static func checkAnswered(_ open: Set<String>, at index: Int) throws {
        guard !open.isEmpty else { return }
        let message =
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            + "'tool_call_id'. The following tool_call_ids did not have response messages: "
            + open.sorted().joined(separator: ", ")
        throw OpenAIError.invalid(message, param: "messages[\(index)].role")
    }
}
