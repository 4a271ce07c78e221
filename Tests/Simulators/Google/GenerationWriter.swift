/// Prints what a Gemini model answers, whole or as the events of a stream.
struct GenerationWriter {
    let model: GeminiModel
    let request: JSON
    let answer: AnswerText
    let createdAt: Int
    let responseID: String

    /// One candidate of the answer.
    private struct Candidate {
        var parts: [JSON]
        var finishReason: String
    }

    /// The whole answer.
    var response: JSON {
        if isBlocked { return blocked }
        let candidates = candidates
        let list = candidates.enumerated().map { json($1.parts, finishReason: $1.finishReason, index: $0) }
        return envelope(candidates: list, usage: usage(text: Self.text(of: candidates)))
    }

    /// The events of a stream: each candidate's text in pieces; usage counts up.
    var events: [JSON] {
        if isBlocked { return [blocked] }
        var events: [JSON] = []
        var sent = ""
        for (index, candidate) in candidates.enumerated() {
            let pieces = candidate.parts.flatMap(Self.pieces)
            for (place, piece) in pieces.enumerated() {
                sent += piece["thought"] == nil ? piece["text"]?.string ?? "" : ""
                let isLast = place == pieces.count - 1
                let json = json([piece], finishReason: isLast ? candidate.finishReason : nil, index: index)
                events.append(envelope(candidates: [json], usage: usage(text: sent)))
            }
            guard pieces.isEmpty else { continue }
            let json = json([], finishReason: candidate.finishReason, index: index)
            events.append(envelope(candidates: [json], usage: usage(text: sent)))
        }
        return events
    }

    private var isBlocked: Bool { answer.question.contains("SIM_BLOCK_PROMPT") }

    private var blocked: JSON {
        [
            "promptFeedback": [
                "blockReason": "PROHIBITED_CONTENT",
                "blockReasonMessage": "The prompt is blocked due to prohibited contents",
            ],
            "usageMetadata": ["promptTokenCount": .integer(promptTokens), "totalTokenCount": .integer(promptTokens)],
            "modelVersion": .string(model.name), "createTime": .string(createdAt.timestamp),
            "responseId": .string(responseID),
        ]
    }

    private var candidates: [Candidate] {
        let config = request["generationConfig"] ?? [:]
        return (0..<(config["candidateCount"]?.integer ?? 1)).map { index in
            if let name = calledFunction { return Candidate(parts: [call(name)], finishReason: "STOP") }
            if answer.question.contains("SIM_SAFETY") {
                return Candidate(parts: [["text": "I had begun to answer when"]], finishReason: "SAFETY")
            }
            var text = index > 0 ? "(Candidate \(index + 1).) \(answer.text)" : answer.text
            if config["responseMimeType"]?.string == "application/json" {
                let schema = config["responseSchema"] ?? config["responseJsonSchema"]
                text = (schema.map { SchemaSample.value(for: $0, text: text) } ?? answer.json).text
            }
            for stop in config["stopSequences"]?.array?.compactMap(\.string) ?? [] where !stop.isEmpty {
                if let range = text.firstRange(of: stop) { text = String(text[..<range.lowerBound]) }
            }
            let cut = Tokens.cut(text, to: config["maxOutputTokens"]?.integer)
            var parts: [JSON] = [["text": .string(cut.text)]]
            if model.thinks, config["thinkingConfig"]?["includeThoughts"]?.bool == true {
                parts.insert(["text": "The question is clear; I look at what came with it.", "thought": true], at: 0)
            }
            return Candidate(parts: parts, finishReason: cut.isCut ? "MAX_TOKENS" : "STOP")
        }
    }

    /// The function that the request forces, unless its result is there already.
    private var calledFunction: String? {
        let calling = request["toolConfig"]?["functionCallingConfig"]
        guard calling?["mode"]?.string == "ANY", answer.toolResults.isEmpty else { return nil }
        let declared = request["tools"]?.array?.compactMap { $0["functionDeclarations"]?.array }.joined()
        return calling?["allowedFunctionNames"]?.array?.first?.string ?? declared?.first?["name"]?.string
    }

    private func call(_ name: String) -> JSON {
        .members([
            "functionCall": ["name": .string(name), "args": [:]],
            "thoughtSignature": model.thinks ? "c2ltdWxhdGVkIHRob3VnaHQ=" : nil,
        ])
    }

    private func json(_ parts: [JSON], finishReason: String?, index: Int) -> JSON {
        .members([
            "content": .members(["role": "model", "parts": parts.isEmpty ? nil : .array(parts)]),
            "finishReason": finishReason.map(JSON.string),
            "safetyRatings": finishReason == "SAFETY"
                ? [["category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true]] : nil,
            "index": index > 0 ? .integer(index) : nil,
        ])
    }

    private func envelope(candidates: [JSON], usage: JSON) -> JSON {
        [
            "candidates": .array(candidates), "usageMetadata": usage, "modelVersion": .string(model.name),
            "createTime": .string(createdAt.timestamp), "responseId": .string(responseID),
        ]
    }

    private var promptTokens: Int {
        Tokens.count(of: (request["contents"]?.text ?? "") + (request["systemInstruction"]?.text ?? ""))
    }

    private func usage(text: String) -> JSON {
        let output = max(1, Tokens.count(of: text))
        let thoughts = model.thinks ? 12 : 0
        return .members([
            "promptTokenCount": .integer(promptTokens), "candidatesTokenCount": .integer(output),
            "totalTokenCount": .integer(promptTokens + output + thoughts),
            "thoughtsTokenCount": model.thinks ? .integer(thoughts) : nil, "trafficType": "ON_DEMAND",
            "promptTokensDetails": [["modality": "TEXT", "tokenCount": .integer(promptTokens)]],
            "candidatesTokensDetails": [["modality": "TEXT", "tokenCount": .integer(output)]],
        ])
    }

    private static func text(of candidates: [Candidate]) -> String {
        candidates.flatMap(\.parts).filter { $0["thought"] == nil }.compactMap { $0["text"]?.string }.joined()
    }

    private static func pieces(of part: JSON) -> [JSON] {
        guard let text = part["text"]?.string, part["thought"] == nil else { return [part] }
        return Tokens.pieces(of: text).map { ["text": .string($0)] }
    }
}
