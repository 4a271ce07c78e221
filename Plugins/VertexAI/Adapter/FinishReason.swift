import GantryPlugin

/// Why a candidate ended: Gemini's word, and what OpenAI calls it.
struct FinishReason: Equatable {
    /// Gemini's word.
    let upstream: String
    /// Gemini's sentence about it, if there is one.
    let message: String?
    private let isPromptBlocked: Bool

    /// The end of an answer whose candidate does not say why it ended.
    static let stop = FinishReason(upstream: "STOP", message: nil)

    /// The reason a candidate gives; nil if it has not ended, or does not say why.
    init?(_ candidate: JSON) {
        guard let word = candidate["finishReason"]?.string else { return nil }
        self.init(upstream: word, message: candidate["finishMessage"]?.string)
    }

    private init(upstream: String, message: String?) {
        self.upstream = upstream
        self.message = message
        isPromptBlocked = false
    }

    /// The reason why Gemini did not answer a prompt at all; nil if it gives none.
    init?(blockedPrompt response: JSON) {
        guard let feedback = response["promptFeedback"], let word = feedback["blockReason"]?.string else { return nil }
        upstream = word
        message = feedback["blockReasonMessage"]?.string
        isPromptBlocked = true
    }

    /// Whether the model had said what it wanted to say.
    var isNormal: Bool { upstream == "STOP" && !isPromptBlocked }

    func openAI(hasToolCalls: Bool) -> String {
        switch upstream {
        case _ where isPromptBlocked: "content_filter"
        case "MAX_TOKENS": "length"
        case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR": "content_filter"
        case _ where upstream.hasPrefix("IMAGE_"): "content_filter"
        default: hasToolCalls ? "tool_calls" : "stop"
        }
    }

    /// What OpenAI's word hides; beside it, where Google's own OpenAI endpoint puts what is Google's alone.
    var note: JSON? {
        guard upstream != "STOP", upstream != "MAX_TOKENS" else { return nil }
        var google = JSONObject()
        google["finish_reason"] = .string(upstream)
        google["finish_message"] = message.map { .string($0) }
        return ["google": .object(google)]
    }
}
