import GantryPlugin

/// Turns the events of `streamGenerateContent` into chunks of a chat completion, one event at a time.
struct ChatStream: AnswerStream {
    private let identity: AnswerIdentity
    private let includesUsage: Bool
    private var id: JSON?
    private var model: JSON?
    private var choices: [Int64: Choice] = [:]
    private var blockReason: FinishReason?
    private var callCount = 0
    private var usage: TokenUsage?

    /// More choices than any model gives; their number is the provider's word.
    private static let choiceLimit = 128

    private struct Choice {
        var hasStarted = false
        var toolCallCount = 0
        var reason: FinishReason?
    }

    init(identity: AnswerIdentity, includesUsage: Bool) {
        self.identity = identity
        self.includesUsage = includesUsage
    }

    var usageReport: JSON? { usage?.json }

    static func eventName(_ payload: JSON) -> String { "" }

    /// Translates one event.
    ///
    /// - Parameter payload: A `GenerateContentResponse`, or an error.
    /// - Returns: The chunks for the client, each the payload of an event.
    /// - Throws: The error of the event, or `.upstreamProtocol`.
    mutating func consume(_ payload: [UInt8]) throws(Failure) -> [JSON] {
        let event = try UpstreamAnswer.event(payload)
        if id == nil {
            id = identity.answerID(event)
            model = identity.modelName(event)
        }
        usage = TokenUsage(event["usageMetadata"]) ?? usage
        blockReason = FinishReason(blockedPrompt: event) ?? blockReason
        var chunks: [JSON] = []
        for (position, candidate) in (event["candidates"]?.array ?? []).enumerated() {
            if let chunk = try read(candidate, position: position) { chunks.append(chunk) }
        }
        return chunks
    }

    /// The last chunks, once the stream has ended.
    ///
    /// - Throws: `.upstreamProtocol` if it ended before the answer did.
    mutating func finish() throws(Failure) -> [JSON] {
        if choices.isEmpty, let blockReason {
            choices[0] = Choice(reason: blockReason)
        }
        guard !choices.isEmpty else { throw UpstreamAnswer.truncated }
        var chunks: [JSON] = []
        for (index, choice) in choices.sorted(by: { $0.key < $1.key }) {
            guard let reason = choice.reason else { throw UpstreamAnswer.truncated }
            var last = JSONObject()
            last["index"] = .integer(index)
            let word = reason.openAI(hasToolCalls: choice.toolCallCount > 0)
            let content: JSON = word == "content_filter" ? .null : ""
            last["delta"] = choice.hasStarted ? [:] : ["role": "assistant", "content": content]
            last["logprobs"] = .null
            last["finish_reason"] = .string(word)
            last["extra_content"] = reason.note
            chunks.append(chunk([.object(last)], usage: nil))
        }
        if includesUsage { chunks.append(chunk([], usage: usage?.json)) }
        return chunks
    }

    private mutating func read(_ candidate: JSON, position: Int) throws(Failure) -> JSON? {
        let index = candidate["index"]?.integer ?? Int64(position)
        guard choices[index] != nil || choices.count < Self.choiceLimit else {
            throw Failure(.upstreamProtocol, "\(Wire.providerName) answered with too many candidates.")
        }
        var choice = choices[index] ?? Choice()
        choice.reason = FinishReason(candidate) ?? choice.reason
        let content = try CandidateContent(candidate) {
            callCount += 1
            return identity.callID(callCount)
        }
        let logprobs = LogProbabilities.openAI(candidate["logprobsResult"])
        let delta = Self.delta(content, choice: &choice)
        choices[index] = choice
        guard delta.count > 0 || logprobs != nil else { return nil }
        var result = JSONObject()
        result["index"] = .integer(index)
        result["delta"] = .object(delta)
        result["logprobs"] = logprobs ?? .null
        result["finish_reason"] = .null
        return chunk([.object(result)], usage: nil)
    }

    /// The first delta of a choice has its role.
    private static func delta(_ content: CandidateContent, choice: inout Choice) -> JSONObject {
        var delta = JSONObject()
        guard !content.text.isEmpty || !content.calls.isEmpty else { return delta }
        if !choice.hasStarted {
            choice.hasStarted = true
            delta["role"] = "assistant"
            if content.text.isEmpty { delta["content"] = .null }
        }
        if !content.text.isEmpty { delta["content"] = .string(content.text) }
        guard !content.calls.isEmpty else { return delta }
        var calls: [JSON] = []
        for call in content.calls {
            var indexed = JSONObject()
            indexed["index"] = .integer(Int64(choice.toolCallCount))
            for (name, value) in call.members { indexed[name] = value }
            calls.append(.object(indexed))
            choice.toolCallCount += 1
        }
        delta["tool_calls"] = .array(calls)
        return delta
    }

    private func chunk(_ choices: [JSON], usage: JSON?) -> JSON {
        var chunk = JSONObject()
        chunk["id"] = id ?? identity.answerID(.null)
        chunk["object"] = "chat.completion.chunk"
        chunk["created"] = .integer(identity.created)
        chunk["model"] = model ?? .string(identity.model)
        chunk["choices"] = .array(choices)
        if includesUsage { chunk["usage"] = usage ?? .null }
        return .object(chunk)
    }
}
