/// What a request for a response looks like.
///
/// Source: OpenAI's OpenAPI description 2.3.0, `CreateResponse`, and its Python SDK 3.54.0, read 2026-11-22.
enum ResponsesShape {
    static let request = Shape.record(
        [
            "model": .string, "input": .either([.string, .list(.map(.any))]), "instructions": .string,
            "background": .bool, "conversation": .any, "context_management": .list(.map(.any)),
            "include": .list(.string), "max_output_tokens": .integer, "max_tool_calls": .integer,
            "metadata": .map(.string), "parallel_tool_calls": .bool, "previous_response_id": .string,
            "prompt": .map(.any), "prompt_cache_key": .string, "prompt_cache_retention": .string,
            "reasoning": .record([
                "effort": .choice(["none", "minimal", "low", "medium", "high", "xhigh"]), "summary": .string,
                "generate_summary": .string,
            ]),
            "safety_identifier": .string, "store": .bool, "stream": .bool,
            "service_tier": .choice(["auto", "default", "flex", "scale", "priority"]),
            "stream_options": .record(["include_obfuscation": .bool]), "temperature": .number, "top_p": .number,
            "text": .record(["format": format, "verbosity": .choice(["low", "medium", "high"])]),
            "tool_choice": .either([.string, .map(.any)]), "tools": .list(.map(.any)), "top_logprobs": .integer,
            "truncation": .choice(["auto", "disabled"]), "user": .string,
        ],
        required: ["model"]
    )

    private static let format = Shape.record(
        [
            "type": .choice(["text", "json_object", "json_schema"]), "name": .string, "description": .string,
            "schema": .map(.any), "strict": .bool,
        ],
        required: ["type"]
    )

    /// The shape of an item of the input by its type; a message may leave its type out.
    static let items: [String: Shape] = parts.merging([
        "message": .record(
            [
                "type": .string, "id": .string, "status": .string, "phase": .string,
                "role": .choice(["user", "assistant", "system", "developer"]),
                "content": .either([.string, .list(.map(.any))]),
            ],
            required: ["role", "content"]
        ),
        "function_call": .record(
            [
                "type": .string, "id": .string, "call_id": .string, "name": .string, "arguments": .string,
                "status": .string,
            ],
            required: ["call_id", "name", "arguments"]
        ),
        "function_call_output": .record(
            [
                "type": .string, "id": .string, "call_id": .string, "status": .string,
                "output": .either([.string, .list(.map(.any))]),
            ],
            required: ["call_id", "output"]
        ),
        "computer_call_output": .record(
            [
                "type": .string, "id": .string, "call_id": .string, "status": .string,
                "acknowledged_safety_checks": .list(.map(.any)),
                "output": .record(
                    ["type": .choice(["computer_screenshot"]), "image_url": .string, "file_id": .string],
                    required: ["type"]
                ),
            ],
            required: ["call_id", "output"]
        ),
        "reasoning": .record(
            [
                "type": .string, "id": .string, "status": .string, "summary": .list(.map(.any)),
                "content": .list(.map(.any)), "encrypted_content": .string,
            ],
            required: ["id", "summary"]
        ),
        "code_interpreter_call": .record(
            [
                "type": .string, "id": .string, "status": .string, "container_id": .string, "code": .string,
                "outputs": .list(.map(.any)),
            ],
            required: ["id"]
        ),
        "item_reference": .record(["type": .string, "id": .string], required: ["id"]),
    ]) { $1 }

    /// The shape of a part of a message by its type.
    static let parts: [String: Shape] = [
        "input_text": .record(
            ["type": .string, "text": .string, "prompt_cache_breakpoint": .any],
            required: ["text"]
        ),
        "input_image": .record([
            "type": .string, "image_url": .string, "file_id": .string,
            "detail": .choice(["low", "high", "auto", "original"]), "prompt_cache_breakpoint": .any,
        ]),
        "input_file": .record([
            "type": .string, "file_id": .string, "file_data": .string, "filename": .string, "file_url": .string,
            "detail": .choice(["auto", "low", "high"]), "prompt_cache_breakpoint": .any,
        ]),
        "output_text": .record(
            ["type": .string, "text": .string, "annotations": .list(.any), "logprobs": .list(.any)],
            required: ["text"]
        ),
        "refusal": .record(["type": .string, "refusal": .string], required: ["refusal"]),
    ]

    static let tools: [String: Shape] = [
        "function": .record(
            [
                "type": .string, "name": .string, "description": .string, "parameters": .map(.any), "strict": .bool,
            ],
            required: ["name", "parameters"]
        ),
        "code_interpreter": .record(
            [
                "type": .string,
                "container": .either([
                    .string,
                    .record(
                        [
                            "type": .choice(["auto"]), "file_ids": .list(.string), "memory_limit": .string,
                            "network_policy": .any,
                        ],
                        required: ["type"]
                    ),
                ]),
            ],
            required: ["container"]
        ),
        "file_search": .record(
            [
                "type": .string, "vector_store_ids": .list(.string), "max_num_results": .integer, "filters": .any,
                "ranking_options": .map(.any),
            ],
            required: ["vector_store_ids"]
        ),
        "web_search": .record([
            "type": .string, "filters": .any, "user_location": .any, "search_context_size": .string,
        ]),
    ]

    /// Reads a value whose shape depends on its `type`.
    static func read(_ value: JSON, as shapes: [String: Shape], usual: String? = nil, at path: String) throws -> JSON {
        guard let type = value["type"]?.string ?? usual else {
            throw ShapeError(reason: .missingMember("type"), path: path)
        }
        guard let shape = shapes[type] else {
            throw ShapeError(reason: .wrongChoice(expected: shapes.keys.sorted(), value: type), path: "\(path).type")
        }
        return try ShapeReader(acceptsSnakeCase: false).read(value, as: shape, at: path)
    }
}
