/// What a `generateContent` request looks like.
///
/// Source: https://aiplatform.googleapis.com/$discovery/rest?version=v1, `GenerateContentRequest`, read 2026-11-22.
enum GenerateShape {
    static let request = Shape.record([
        "contents": .list(content), "systemInstruction": content, "cachedContent": .string, "tools": .list(tool),
        "toolConfig": .record(["functionCallingConfig": functionCallingConfig, "retrievalConfig": .map(.any)]),
        "labels": .map(.string), "safetySettings": .list(safetySetting), "generationConfig": generationConfig,
        "modelArmorConfig": .map(.any),
    ])

    private static let content = Shape.record(["role": .string, "parts": .list(part)])

    private static let part = Shape.record([
        "text": .string, "thought": .bool, "thoughtSignature": .string, "videoMetadata": .map(.any),
        "mediaResolution": .any,
        "inlineData": .record(["mimeType": .string, "data": .string, "displayName": .string]),
        "fileData": .record(["mimeType": .string, "fileUri": .string, "displayName": .string]),
        "functionCall": .record(["id": .string, "name": .string, "args": .map(.any)]),
        "functionResponse": .record(["id": .string, "name": .string, "response": .map(.any)]),
        "executableCode": .record(["language": .string, "code": .string]),
        "codeExecutionResult": .record(["outcome": .string, "output": .string]),
    ])

    private static let tool = Shape.record([
        "functionDeclarations": .list(
            .record(
                [
                    "name": .string, "description": .string, "parameters": schema, "parametersJsonSchema": .any,
                    "response": schema, "responseJsonSchema": .any,
                ]
            )
        ),
        "googleSearch": .map(.any), "googleSearchRetrieval": .map(.any), "codeExecution": .map(.any),
        "retrieval": .map(.any), "urlContext": .map(.any), "enterpriseWebSearch": .map(.any),
    ])

    private static let functionCallingConfig = Shape.record([
        "mode": .choice(["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"]),
        "allowedFunctionNames": .list(.string),
    ])

    private static let safetySetting = Shape.record([
        "category": .choice([
            "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_DANGEROUS_CONTENT", "HARM_CATEGORY_HARASSMENT",
            "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_CIVIC_INTEGRITY",
        ]),
        "threshold": .choice([
            "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF",
        ]),
        "method": .choice(["SEVERITY", "PROBABILITY"]),
    ])

    private static let generationConfig = Shape.record([
        "temperature": .number, "topP": .number, "topK": .number, "candidateCount": .integer,
        "maxOutputTokens": .integer, "stopSequences": .list(.string), "presencePenalty": .number,
        "frequencyPenalty": .number, "seed": .integer, "responseMimeType": .string, "responseSchema": schema,
        "responseJsonSchema": .any, "responseLogprobs": .bool, "logprobs": .integer, "audioTimestamp": .bool,
        "responseModalities": .list(.string), "mediaResolution": .string, "speechConfig": .map(.any),
        "routingConfig": .map(.any), "enableAffectiveDialog": .bool,
        "thinkingConfig": .record(["includeThoughts": .bool, "thinkingBudget": .integer, "thinkingLevel": .string]),
    ])

    /// The subset of OpenAPI's schema that the service knows; JSON Schema's other words are unknown names.
    private static let schema: Shape = .deferred { schemaRecord }

    private static let schemaRecord: Shape = .record([
        "type": .choice(schemaTypes + schemaTypes.map { $0.lowercased() }), "format": .string, "title": .string,
        "description": .string, "nullable": .bool, "default": .any, "example": .any, "enum": .list(.string),
        "items": schema, "minItems": length, "maxItems": length, "properties": .map(schema),
        "propertyOrdering": .list(.string), "required": .list(.string), "minProperties": length,
        "maxProperties": length, "minimum": .number, "maximum": .number, "minLength": length, "maxLength": length,
        "pattern": .string, "anyOf": .list(schema), "additionalProperties": .any, "ref": .string,
        "defs": .map(schema),
    ])

    private static let schemaTypes = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"]
    /// 64-bit numbers stand as text, too.
    private static let length = Shape.either([.integer, .string])
}
