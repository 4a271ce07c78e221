import GantryPlugin

/// Turns an OpenAI chat request into the body of `generateContent`.
///
/// What Gemini cannot express is refused with the member's place; nothing that could change the answer is dropped.
/// Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference, read 2026-11-22.
struct ChatRequest {
    /// The body of `generateContent`.
    let body: JSON
    /// Whether a stream ends with a chunk of usage, and every other chunk has `usage: null`.
    let includesUsage: Bool

    /// Translates a request.
    ///
    /// - Parameters:
    ///   - request: The client's request, as sent.
    ///   - references: The files the host found in it.
    ///   - settings: The deployment that answers it.
    ///   - buckets: What lies in these is reached by references alone.
    /// - Throws: `.invalid` or `.unsupported`, with the member's place.
    init(
        _ request: JSON,
        references: [Reference],
        settings: Settings,
        buckets: Set<String> = []
    ) throws(Failure) {
        let node = RequestNode(root: request)
        try self.init(node, references: references, settings: settings, buckets: buckets)
    }

    /// Translates a request that stands somewhere in a document; places in refusals begin at the document's root.
    init(
        _ node: RequestNode,
        references: [Reference],
        settings: Settings,
        buckets: Set<String>
    ) throws(Failure) {
        var translator = ChatRequestTranslator(
            files: FileReferences(references),
            model: settings.model,
            buckets: buckets
        )
        try translator.read(node)
        body = try translator.body(safetySettings: settings.safetySettings)
        includesUsage = translator.includesUsage
    }
}

/// The files of a request by the id the client used.
///
/// The host gives one for every id that stands where an id can.
struct FileReferences {
    private var byClientID: [String: Reference] = [:]

    init(_ references: [Reference]) {
        for reference in references where reference.kind == .file {
            byClientID[reference.clientID] = reference
        }
    }

    subscript(id: String) -> Reference? { byClientID.isEmpty ? nil : byClientID[id] }
}

/// Collects the parts of a request's translation while its members are read.
struct ChatRequestTranslator {
    let files: FileReferences
    let model: String
    let buckets: Set<String>
    var conversation = Conversation()
    var generation = JSONObject()
    var tools = ToolSettings()
    var includesUsage = false
    private var maximumTokens: (value: Int64, node: RequestNode)?
    private var topLogprobs: (value: Int64, node: RequestNode)?
    private var wantsLogprobs = false

    init(files: FileReferences, model: String, buckets: Set<String>) {
        self.files = files
        self.model = model
        self.buckets = buckets
    }

    mutating func read(_ request: RequestNode) throws(Failure) {
        _ = try request.required("model").string()
        try readMessages(try request.required("messages"))
        for member in try request.members() {
            if try readSampling(member) { continue }
            if try readTools(member) { continue }
            try readRest(member)
        }
    }

    func body(safetySettings: JSON?) throws(Failure) -> JSON {
        var generation = generation
        if let maximumTokens { generation["maxOutputTokens"] = .integer(maximumTokens.value) }
        if wantsLogprobs { generation["responseLogprobs"] = true }
        if let topLogprobs {
            guard wantsLogprobs else { throw topLogprobs.node.invalid("'top_logprobs' needs 'logprobs': true.") }
            generation["logprobs"] = .integer(topLogprobs.value)
        }
        var body = JSONObject()
        body["contents"] = .array(conversation.contents)
        if !conversation.systemParts.isEmpty {
            body["systemInstruction"] = ["parts": .array(conversation.systemParts)]
        }
        try tools.write(to: &body)
        if generation.count > 0 { body["generationConfig"] = .object(generation) }
        body["safetySettings"] = safetySettings
        return .object(body)
    }

    /// - Returns: Whether the member was one of these.
    private mutating func readSampling(_ member: RequestNode.Member) throws(Failure) -> Bool {
        let node = member.node
        switch member.name {
        case "temperature": generation["temperature"] = try node.number()
        case "top_p": generation["topP"] = try node.number()
        case "presence_penalty": generation["presencePenalty"] = try node.number()
        case "frequency_penalty": generation["frequencyPenalty"] = try node.number()
        case "seed": generation["seed"] = .integer(try node.integer())
        case "n": try readChoiceCount(node)
        case "stop": generation["stopSequences"] = try Self.stopSequences(node)
        case "max_tokens", "max_completion_tokens": try readMaximumTokens(node)
        case "logprobs": wantsLogprobs = try node.bool()
        case "top_logprobs": topLogprobs = (try node.integer(), node)
        case "reasoning_effort": try readReasoningEffort(node)
        case "response_format": try readResponseFormat(node)
        default: return false
        }
        return true
    }

    private mutating func readRest(_ member: RequestNode.Member) throws(Failure) {
        let node = member.node
        switch member.name {
        case "model", "messages":
            break  // read first
        case "stream":
            _ = try node.bool()  // the host knows, and says so in the operation
        case "stream_options":
            try readStreamOptions(node)
        case "user", "safety_identifier", "prompt_cache_key":
            _ = try node.string()  // labels for the provider's records; they have no part in the answer
        case "metadata":
            _ = try node.object()  // labels for stored completions, of which there are none
        case "store":
            guard try !node.bool() else { throw node.unsupported("\(Wire.providerName) cannot store completions.") }
        case "service_tier":
            let tier = try node.string()
            guard tier == "auto" || tier == "default" else {
                throw node.unsupported("\(Wire.providerName) has no service tier '\(tier.prefix(40))'; use 'auto'.")
            }
        case "modalities":
            for element in try node.elements() {
                guard try element.string() == "text" else {
                    throw node.unsupported("\(Wire.providerName) deployments answer with text only.")
                }
            }
        default:
            throw node.unknown()
        }
    }

    private mutating func readChoiceCount(_ node: RequestNode) throws(Failure) {
        let count = try node.integer()
        guard count >= 1 else { throw node.invalid("'n' must be at least 1.") }
        if count > 1 { generation["candidateCount"] = .integer(count) }
    }

    private mutating func readMaximumTokens(_ node: RequestNode) throws(Failure) {
        let value = try node.integer()
        guard value >= 1 else { throw node.invalid("'\(node.place.parameter ?? "")' must be at least 1.") }
        if let earlier = maximumTokens, earlier.value != value {
            throw node.invalid("'max_tokens' and 'max_completion_tokens' contradict each other; give one of them.")
        }
        maximumTokens = (value, node)
    }

    private static func stopSequences(_ node: RequestNode) throws(Failure) -> JSON {
        if let text = node.value.string { return [.string(text)] }
        for element in try node.elements() { _ = try element.string() }
        return node.value
    }

    private mutating func readStreamOptions(_ node: RequestNode) throws(Failure) {
        for member in try node.members() {
            switch member.name {
            case "include_usage": includesUsage = try member.node.bool()
            case "include_obfuscation": _ = try member.node.bool()  // padding of chunks; there is none
            default: throw member.node.unknown()
            }
        }
    }

    private mutating func readResponseFormat(_ node: RequestNode) throws(Failure) {
        try node.allow(["type", "json_schema"])
        let type = try node.required("type")
        switch try type.string() {
        case "text": break
        case "json_object": generation["responseMimeType"] = "application/json"
        case "json_schema":
            generation["responseMimeType"] = "application/json"
            let format = try node.required("json_schema")
            // The name is a label of the format, and Gemini keeps to a schema whether or not it is `strict`.
            try format.allow(["name", "schema", "strict", "description"])
            _ = try format.required("name").string()
            _ = try format.optional("strict")?.bool()
            guard var schema = try format.optional("schema")?.object() else { return }
            if let description = try format.optional("description")?.string() {
                let own = schema["description"]?.string.map { "\n\($0)" } ?? ""
                schema["description"] = .string(description + own)
            }
            generation["responseJsonSchema"] = .object(schema)
        default:
            throw type.unsupported("\(Wire.providerName) answers as 'text', 'json_object' or 'json_schema'.")
        }
    }

    /// Gemini 2 takes a budget of tokens, what came after it a level.
    ///
    /// The budgets are those of Google's own OpenAI endpoint.
    /// Source: https://ai.google.dev/gemini-api/docs/openai, read 2026-11-22.
    private mutating func readReasoningEffort(_ node: RequestNode) throws(Failure) {
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
        generation["thinkingConfig"] =
            takesBudget ? ["thinkingBudget": budget] : ["thinkingLevel": .string(effort.uppercased())]
    }
}
