import GantryPlugin

/// What the adapter adds to an answer of Gemini's.
struct AnswerIdentity {
    /// When the answer was made, in Unix seconds.
    let created: Int64
    /// The deployment's model, for answers that do not name theirs.
    let model: String
    /// Letters and digits that nobody else uses: Vertex AI gives no ids to calls, and not always one to an answer.
    let uniqueText: String

    func answerID(_ response: JSON) -> JSON {
        .string("chatcmpl-\(response["responseId"]?.string ?? uniqueText)")
    }

    func modelName(_ response: JSON) -> JSON { .string(response["modelVersion"]?.string ?? model) }

    func callID(_ number: Int) -> JSON { .string("call_\(uniqueText)\(number)") }
}

/// What one candidate of an answer, or of one event of it, holds.
struct CandidateContent {
    var text = ""
    var hasText = false
    var calls: [JSONObject] = []

    /// Reads the parts of a candidate; `nextCallID` gives each call its id.
    init(_ candidate: JSON, nextCallID: () -> JSON) throws(Failure) {
        for part in candidate["content"]?["parts"]?.array ?? [] {
            if let call = part["functionCall"] {
                calls.append(try Self.toolCall(call, in: part, nextCallID: nextCallID))
            } else if let text = part["text"]?.string {
                // A thought is not part of the answer; its tokens are counted in the usage.
                guard part["thought"]?.bool != true else { continue }
                self.text += text
                hasText = true
            } else if let kind = part.object?.names.first(where: Self.unspeakable.contains) {
                throw Failure(
                    .upstreamProtocol,
                    "\(Wire.providerName) answered with '\(kind)', which a chat completion cannot carry.",
                    mayFallBack: true
                )
            }
        }
    }

    /// Parts that would be lost in OpenAI's form.
    private static let unspeakable = ["inlineData", "fileData", "executableCode", "codeExecutionResult"]

    private static func toolCall(
        _ call: JSON,
        in part: JSON,
        nextCallID: () -> JSON
    ) throws(Failure) -> JSONObject {
        guard let name = call["name"]?.string else {
            throw Failure(.upstreamProtocol, "\(Wire.providerName) answered with a function call without a name.")
        }
        let arguments = call["args"].flatMap { $0.object == nil ? nil : $0 } ?? [:]
        var result = JSONObject()
        result["id"] = call["id"]?.string.map { .string($0) } ?? nextCallID()
        result["type"] = "function"
        result["function"] = [
            "name": .string(name),
            "arguments": .string(String(decoding: arguments.serialized(), as: UTF8.self)),
        ]
        if let signature = part["thoughtSignature"]?.string {
            result["extra_content"] = ["google": ["thought_signature": .string(signature)]]
        }
        return result
    }
}

/// Turns an answer of `generateContent` into a chat completion.
struct ChatAnswer {
    let body: JSON
    let usage: JSON?

    init(_ response: JSON, identity: AnswerIdentity) throws(Failure) {
        if let error = response["error"] {
            throw UpstreamError(status: nil, error: error).failure(service: Wire.providerName)
        }
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
            guard let reason = FinishReason(blockedPrompt: response) else { throw noCandidates }
            return [choice(index: 0, message: message(nil), reason: (reason, false), logprobs: nil)]
        }
        var callCount = 0
        var choices: [JSON] = []
        for (position, candidate) in candidates.enumerated() {
            let content = try CandidateContent(candidate) {
                callCount += 1
                return identity.callID(callCount)
            }
            let reason = FinishReason(
                upstream: candidate["finishReason"]?.string ?? "STOP",
                message: candidate["finishMessage"]?.string
            )
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

    static let noCandidates = Failure(
        .upstreamProtocol,
        "\(Wire.providerName) answered without a candidate and without a reason; try again.",
        isRetryable: true,
        mayFallBack: true
    )

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
