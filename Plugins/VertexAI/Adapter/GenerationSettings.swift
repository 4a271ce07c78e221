import GantryPlugin

/// `generationConfig`: how the model is to answer.
struct GenerationSettings {
    private let model: String
    private var config = JSONObject()
    private var maximumTokens: (value: Int64, node: RequestNode)?
    private var topLogprobs: (value: Int64, node: RequestNode)?
    private var wantsLogprobs = false

    init(model: String) {
        self.model = model
    }

    /// What all members together say.
    ///
    /// - Throws: `.invalid` if they contradict each other.
    func json() throws(Failure) -> JSONObject {
        var config = config
        if let maximumTokens { config["maxOutputTokens"] = .integer(maximumTokens.value) }
        if wantsLogprobs { config["responseLogprobs"] = true }
        if let topLogprobs {
            guard wantsLogprobs else { throw topLogprobs.node.invalid("'top_logprobs' needs 'logprobs': true.") }
            config["logprobs"] = .integer(topLogprobs.value)
        }
        return config
    }

    mutating func set(_ name: String, to value: JSON) { config[name] = value }

    mutating func readMaximumTokens(_ node: RequestNode) throws(Failure) {
        let value = try node.integer()
        guard value >= 1 else { throw node.invalid("'\(node.place.parameter ?? "")' must be at least 1.") }
        if let earlier = maximumTokens, earlier.value != value {
            throw node.invalid("'max_tokens' and 'max_completion_tokens' contradict each other; give one of them.")
        }
        maximumTokens = (value, node)
    }

    mutating func readLogprobs(_ node: RequestNode) throws(Failure) { wantsLogprobs = try node.bool() }

    mutating func readTopLogprobs(_ node: RequestNode) throws(Failure) { topLogprobs = (try node.integer(), node) }

    /// Has the model answer with JSON, of a schema if one is given.
    mutating func answerAsJSON(schema: JSONObject? = nil) {
        config["responseMimeType"] = "application/json"
        if let schema { config["responseJsonSchema"] = .object(schema) }
    }

    /// Reads `name`, `schema`, `strict` and `description`, which chat has in an object of their own.
    ///
    /// The name is a label of the format, and Gemini keeps to a schema whether or not it is `strict`.
    mutating func readSchema(_ format: RequestNode) throws(Failure) {
        _ = try format.required("name").string()
        _ = try format.optional("strict")?.bool()
        guard var schema = try format.optional("schema")?.object() else {
            answerAsJSON()
            return
        }
        if let description = try format.optional("description")?.string() {
            let own = schema["description"]?.string.map { "\n\($0)" } ?? ""
            schema["description"] = .string(description + own)
        }
        answerAsJSON(schema: schema)
    }

    /// Gemini 2 takes a budget of tokens, what came after it a level.
    ///
    /// The budgets are those of Google's own OpenAI endpoint.
    /// Source: https://ai.google.dev/gemini-api/docs/openai, read 2026-11-22.
    mutating func readReasoningEffort(_ node: RequestNode) throws(Failure) {
        let effort = try node.string()
        let takesBudget = model.hasPrefix("gemini-2") || model.hasPrefix("gemini-1")
        let budget: JSON
        switch effort {
        case "none" where takesBudget: budget = 0
        case "minimal", "low": budget = 1024
        case "medium": budget = 8192
        case "high": budget = 24576
        default:
            throw node.unsupported("The model has no reasoning effort '\(effort.prefix(40))'.")
        }
        config["thinkingConfig"] =
            takesBudget ? ["thinkingBudget": budget] : ["thinkingLevel": .string(effort.uppercased())]
    }
}
