/// What a test wants of batches, fine-tuning jobs or responses: `POST /_sim/openai/advance`.
///
/// `id` names one, else all of `kind` that are not over are meant, of `account` if that is given. `to` is a status:
/// the steps before it are gone through. `completed` is how many requests of a batch are done when it ends.
/// `output`: false leaves out the files at the end. `report` is a status word to show from now on in the place of the
/// status, whatever it is. `vanish`: true makes it unknown from now on.
struct OpenAIWish {
    let kind: OpenAIWork
    let id: String?
    let account: String?
    let status: String?
    let completed: Int?
    let hasOutput: Bool
    let reportedStatus: String?
    let vanishes: Bool

    init(_ json: JSON) throws {
        let json = try ShapeReader(acceptsSnakeCase: false).read(json, as: Self.shape)
        let id = json["id"]?.string
        self.id = id
        account = json["account"]?.string
        status = json["to"]?.string
        completed = json["completed"]?.integer
        hasOutput = json["output"]?.bool ?? true
        reportedStatus = json["report"]?.string
        vanishes = json["vanish"]?.bool ?? false
        let prefixes: [(String, OpenAIWork)] = [("batch_", .batch), ("ftjob-", .job), ("resp_", .response)]
        let named = prefixes.first { id?.hasPrefix($0.0) ?? false }?.1
        guard let kind = named ?? json["kind"]?.string.flatMap(OpenAIWork.init) else {
            throw ShapeError(reason: .missingMember("kind"), path: "")
        }
        self.kind = kind
        guard completed ?? 0 >= 0 else {
            throw OpenAIError.invalid("'completed' must not be negative.", param: "completed")
        }
    }

    /// A status that the kind does not have.
    func unknownStatus(_ word: String) -> OpenAIError {
        OpenAIError.invalid("A \(kind.rawValue) cannot become '\(word)'; use 'report' to show it.", param: "to")
    }

    private static let shape = Shape.record([
        "kind": .choice(OpenAIWork.allCases.map(\.rawValue)), "id": .string, "account": .string, "to": .string,
        "completed": .integer, "output": .bool, "report": .string, "vanish": .bool,
    ])
}
