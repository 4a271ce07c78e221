import GantryPlugin

/// Makes OpenAI's response object, while the answer comes in and when it is there.
struct ResponseObject {
    let echo: ResponseEcho
    let identity: AnswerIdentity

    /// - Parameters:
    ///   - model: Who answers.
    ///   - end: How it ended; nil while it is still coming in.
    ///   - output: The finished items.
    ///   - usage: The tokens, once they are known.
    /// - Returns: The whole object.
    func json(model: JSON, end: ResponseEnd?, output: [JSON], usage: TokenUsage?) -> JSON {
        var response = JSONObject()
        response["id"] = .string(identity.responseID)
        response["object"] = "response"
        response["created_at"] = .integer(identity.created)
        response["status"] = .string(end?.status ?? "in_progress")
        response["error"] = end?.error ?? .null
        response["incomplete_details"] = end?.incompleteDetails ?? .null
        response["model"] = model
        response["output"] = .array(output)
        for (name, value) in echo.members { response.append(name: name, value: value) }
        response["usage"] = usage?.responsesJSON ?? .null
        response["extra_content"] = end?.note
        return .object(response)
    }
}

/// How a response ended.
struct ResponseEnd {
    let status: String
    let incompleteDetails: JSON?
    let error: JSON?
    /// What OpenAI's words hide.
    let note: JSON?

    init(_ reason: FinishReason) {
        note = reason.note
        switch reason.openAI(hasToolCalls: false) {
        case "length": (status, incompleteDetails, error) = ("incomplete", ["reason": "max_output_tokens"], nil)
        case "content_filter": (status, incompleteDetails, error) = ("incomplete", ["reason": "content_filter"], nil)
        case _ where reason.isNormal: (status, incompleteDetails, error) = ("completed", nil, nil)
        default:
            // Chat has no word for an answer that went wrong, such as a call that is no JSON; a response does.
            let sentence = reason.message.map { ": \($0)" } ?? "."
            let message = "\(Wire.providerName) ended the answer with \(reason.upstream.prefix(100))\(sentence)"
            (status, incompleteDetails) = ("failed", nil)
            error = ["code": "server_error", "message": .string(message)]
        }
    }

    /// The status of a message that was the last when the response ended.
    var messageStatus: String { status == "completed" ? "completed" : "incomplete" }
}
