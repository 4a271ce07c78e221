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

    /// The host puts an id of its own in its place.
    var responseID: String { "resp_\(uniqueText)" }

    func modelName(_ response: JSON) -> JSON { .string(response["modelVersion"]?.string ?? model) }

    func callID(_ number: Int) -> JSON { .string("call_\(uniqueText)\(number)") }
}
