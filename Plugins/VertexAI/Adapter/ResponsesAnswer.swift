import GantryPlugin

/// Turns an answer of `generateContent` into a response.
struct ResponsesAnswer {
    let body: JSON
    let usage: JSON?

    init(_ response: JSON, echo: ResponseEcho, identity: AnswerIdentity) throws(Failure) {
        try UpstreamAnswer.requireNoError(response)
        var output = ResponseOutput(identity: identity)
        let end: ResponseEnd
        if let candidate = UpstreamAnswer.candidate(of: response) {
            try output.add(candidate)
            end = ResponseEnd(FinishReason(candidate) ?? .stop)
        } else if let reason = FinishReason(blockedPrompt: response) {
            end = ResponseEnd(reason)
        } else {
            throw UpstreamAnswer.noCandidates
        }
        output.close(status: end.messageStatus)
        let usage = TokenUsage(response["usageMetadata"])
        body = ResponseObject(echo: echo, identity: identity)
            .json(model: identity.modelName(response), end: end, output: output.items, usage: usage)
        self.usage = usage?.responsesJSON
    }
}
