import GantryPlugin

/// What one candidate of an answer, or of one event of it, holds.
struct CandidateContent {
    var text = ""
    var hasText = false
    var calls: [JSONObject] = []

    /// Reads the parts of a candidate; `nextCallID` gives each call its id.
    init(_ candidate: JSON, nextCallID: () -> JSON) throws(Failure) {
        for part in candidate["content"]?["parts"]?.array ?? [] {
            switch try AnswerPart(part, form: "a chat completion") {
            case .call(let call)?: calls.append(Self.toolCall(call, nextCallID: nextCallID))
            case .text(let text)?:
                self.text += text
                hasText = true
            case nil: break
            }
        }
    }

    private static func toolCall(_ call: FunctionCall, nextCallID: () -> JSON) -> JSONObject {
        var result = JSONObject()
        result["id"] = call.id.map { .string($0) } ?? nextCallID()
        result["type"] = "function"
        result["function"] = ["name": .string(call.name), "arguments": .string(call.arguments)]
        result["extra_content"] = call.extraContent
        return result
    }
}

/// Turns an answer of `generateContent` into a chat completion.
struct ChatAnswer {
    let body: JSON
    let usage: JSON?

    init(_ response: JSON, identity: AnswerIdentity) throws(Failure) {
        try UpstreamAnswer.requireNoError(response)
        let usage = TokenUsage(response["usageMetadata"])
        var answer = JSONObject()
        answer["id"] = identity.answerID(response)
        answer["object"] = "chat.completion"
        answer["created"] = .integer(identity.created)
        answer["model"] = identity.modelName(response)
        answer["choices"] = .array(try Self.choices(response, identity: identity))
        answer["usage"] = usage?.json
        body = .object(answer)
        self.usage = usage?.json
    }

    private static func choices(_ response: JSON, identity: AnswerIdentity) throws(Failure) -> [JSON] {
        let candidates = response["candidates"]?.array ?? []
        guard !candidates.isEmpty else {
            guard let reason = FinishReason(blockedPrompt: response) else { throw UpstreamAnswer.noCandidates }
            return [choice(index: 0, message: message(nil), reason: (reason, false), logprobs: nil)]
        }
        var callCount = 0
        var choices: [JSON] = []
        for (position, candidate) in candidates.enumerated() {
            let content = try CandidateContent(candidate) {
                callCount += 1
                return identity.callID(callCount)
            }
            let reason = FinishReason(candidate) ?? .stop
            choices.append(
                choice(
                    index: candidate["index"]?.integer ?? Int64(position),
                    message: message(content),
                    reason: (reason, !content.calls.isEmpty),
                    logprobs: LogProbabilities.openAI(candidate["logprobsResult"])
                )
            )
        }
        return choices
    }

    private static func message(_ content: CandidateContent?) -> JSON {
        var message = JSONObject()
        message["role"] = "assistant"
        message["content"] = .null
        if let content, content.hasText || content.calls.isEmpty { message["content"] = .string(content.text) }
        message["refusal"] = .null
        if let calls = content?.calls, !calls.isEmpty { message["tool_calls"] = .array(calls.map { .object($0) }) }
        return .object(message)
    }

    private static func choice(
        index: Int64,
        message: JSON,
        reason: (reason: FinishReason, hasToolCalls: Bool),
        logprobs: JSON?
    ) -> JSON {
        var choice = JSONObject()
        choice["index"] = .integer(index)
        choice["message"] = message
        choice["logprobs"] = logprobs ?? .null
        choice["finish_reason"] = .string(reason.reason.openAI(hasToolCalls: reason.hasToolCalls))
        choice["extra_content"] = reason.reason.note
        return .object(choice)
    }
}
