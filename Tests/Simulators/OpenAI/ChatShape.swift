/// What a chat request looks like.
///
/// Source: OpenAI's OpenAPI description 2.3.0, `CreateChatCompletionRequest`, read 2026-11-22.
enum ChatShape {
    static let request = Shape.record(
        [
            "model": .string, "messages": .list(message), "metadata": .map(.string), "top_logprobs": .integer,
            "temperature": .number, "top_p": .number, "user": .string, "safety_identifier": .string,
            "prompt_cache_key": .string, "prompt_cache_retention": .string, "prompt_cache_options": .map(.any),
            "service_tier": .choice(["auto", "default", "flex", "scale", "priority"]),
            "modalities": .list(.choice(["text", "audio"])), "verbosity": .choice(["low", "medium", "high"]),
            "reasoning_effort": .choice(["none", "minimal", "low", "medium", "high", "xhigh"]),
            "max_completion_tokens": .integer, "frequency_penalty": .number, "presence_penalty": .number,
            "web_search_options": .map(.any), "response_format": responseFormat, "audio": .map(.any), "store": .bool,
            "moderation": .any, "stream": .bool, "stop": .either([.string, .list(.string)]),
            "logit_bias": .map(.number),
            "logprobs": .bool, "max_tokens": .integer, "n": .integer, "prediction": .map(.any), "seed": .integer,
            "stream_options": .record(["include_usage": .bool, "include_obfuscation": .bool]), "tools": .list(tool),
            "tool_choice": .either([.string, toolChoice]), "parallel_tool_calls": .bool, "function_call": .any,
            "functions": .list(.map(.any)),
        ],
        required: ["messages", "model"]
    )

    static let message = Shape.record(messageMembers, required: ["role"])

    /// A message to learn from.
    static let weightedMessage = Shape.record(
        messageMembers.merging(["weight": .integer]) { $1 },
        required: ["role"]
    )

    private static let messageMembers: [String: Shape] = [
        "role": .choice(["system", "developer", "user", "assistant", "tool", "function"]),
        "content": .either([.string, .list(part)]), "name": .string, "refusal": .string, "audio": .map(.any),
        "tool_calls": .list(toolCall), "tool_call_id": .string,
        "function_call": .record(["name": .string, "arguments": .string], required: ["name", "arguments"]),
        "annotations": .list(.any),
    ]

    private static let part = Shape.record(
        [
            "type": .choice(["text", "image_url", "input_audio", "refusal", "file"]), "text": .string,
            "refusal": .string, "prompt_cache_breakpoint": .any,
            "image_url": .record(["url": .string, "detail": .choice(["auto", "low", "high"])], required: ["url"]),
            "input_audio": .record(
                ["data": .string, "format": .choice(["wav", "mp3"])],
                required: ["data", "format"]
            ),
            "file": .record(["file_id": .string, "file_data": .string, "filename": .string]),
        ],
        required: ["type"]
    )

    private static let toolCall = Shape.record(
        [
            "id": .string, "type": .choice(["function"]),
            "function": .record(["name": .string, "arguments": .string], required: ["name", "arguments"]),
        ],
        required: ["id", "type", "function"]
    )

    static let tool = Shape.record(
        [
            "type": .choice(["function"]),
            "function": .record(
                ["name": .string, "description": .string, "parameters": .map(.any), "strict": .bool],
                required: ["name"]
            ),
        ],
        required: ["type", "function"]
    )

    private static let toolChoice = Shape.record(
        ["type": .choice(["function"]), "function": .record(["name": .string], required: ["name"])],
        required: ["type", "function"]
    )

    private static let responseFormat = Shape.record(
        [
            "type": .choice(["text", "json_object", "json_schema"]),
            "json_schema": .record(
                ["name": .string, "description": .string, "schema": .map(.any), "strict": .bool],
                required: ["name"]
            ),
        ],
        required: ["type"]
    )
}
