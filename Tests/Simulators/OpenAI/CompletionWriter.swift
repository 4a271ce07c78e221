import NIOCore

/// Prints a chat completion, whole or as the events of a stream.
struct CompletionWriter {
    private static let fingerprint: JSON = "fp_5f1a7e0b3d"

    let id: String
    let createdAt: Int
    let model: String
    let choices: [ChatCompletion.Choice]
    let usage: JSON

    /// The whole answer.
    var json: JSON {
        [
            "id": .string(id), "object": "chat.completion", "created": .integer(createdAt), "model": .string(model),
            "choices": .array(
                choices.enumerated().map { index, choice in
                    [
                        "index": .integer(index), "message": Self.message(choice), "logprobs": .null,
                        "finish_reason": .string(choice.finishReason),
                    ]
                }
            ),
            "usage": usage, "service_tier": "default", "system_fingerprint": Self.fingerprint,
        ]
    }

    /// The events of the stream, each with its blank line.
    func events(includesUsage: Bool) -> [ByteBuffer] {
        var events: [JSON] = []
        for (index, choice) in choices.enumerated() {
            let deltas = Self.deltas(of: choice)
            events += deltas.map { chunk(index, $0, finishReason: nil, includesUsage: includesUsage) }
            events.append(chunk(index, [:], finishReason: choice.finishReason, includesUsage: includesUsage))
        }
        if includesUsage { events.append(chunk(choices: [], usage: usage)) }
        return events.map { ByteBuffer(string: "data: \($0.text)\n\n") } + [ByteBuffer(string: "data: [DONE]\n\n")]
    }

    private static func message(_ choice: ChatCompletion.Choice) -> JSON {
        .members([
            "role": "assistant", "content": choice.content.map(JSON.string) ?? .null,
            "tool_calls": choice.toolCall.map { call in
                [
                    [
                        "id": .string(call.id), "type": "function",
                        "function": ["name": .string(call.name), "arguments": "{}"],
                    ]
                ]
            },
            "refusal": .null, "annotations": [],
        ])
    }

    private static func deltas(of choice: ChatCompletion.Choice) -> [JSON] {
        guard let call = choice.toolCall else {
            let first: JSON = ["role": "assistant", "content": "", "refusal": .null]
            return [first] + Tokens.pieces(of: choice.content ?? "").map { ["content": .string($0)] }
        }
        let head: JSON = [
            "index": 0, "id": .string(call.id), "type": "function",
            "function": ["name": .string(call.name), "arguments": ""],
        ]
        let arguments = ["{", "}"].map { piece -> JSON in
            ["tool_calls": [["index": 0, "function": ["arguments": .string(piece)]]]]
        }
        return [["role": "assistant", "content": .null, "tool_calls": [head], "refusal": .null]] + arguments
    }

    private func chunk(_ index: Int, _ delta: JSON, finishReason: String?, includesUsage: Bool) -> JSON {
        let choice: JSON = [
            "index": .integer(index), "delta": delta, "logprobs": .null,
            "finish_reason": finishReason.map(JSON.string) ?? .null,
        ]
        return chunk(choices: [choice], usage: includesUsage ? .null : nil)
    }

    private func chunk(choices: [JSON], usage: JSON?) -> JSON {
        .members([
            "id": .string(id), "object": "chat.completion.chunk", "created": .integer(createdAt),
            "model": .string(model), "service_tier": "default", "system_fingerprint": Self.fingerprint,
            "choices": .array(choices), "usage": usage,
        ])
    }
}
