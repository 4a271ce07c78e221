import GantryPlugin

/// Turns an OpenAI chat request into the body of `generateContent`.
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
            media: MediaParts(files: FileReferences(references), buckets: buckets),
            model: settings.model
        )
        try translator.read(node)
        body = try translator.gemini.body(safetySettings: settings.safetySettings)
        includesUsage = translator.includesUsage
    }
}

/// Collects the parts of a request's translation while its members are read.
struct ChatRequestTranslator {
    let media: MediaParts
    var gemini: GeminiRequest
    private(set) var includesUsage = false

    init(media: MediaParts, model: String) {
        self.media = media
        gemini = GeminiRequest(model: model)
    }

    mutating func read(_ request: RequestNode) throws(Failure) {
        _ = try request.required("model").string()
        try readMessages(try request.required("messages"))
        for member in try request.members() {
            if try gemini.readShared(member) { continue }
            if try readSampling(member) { continue }
            if try readTools(member) { continue }
            try readRest(member)
        }
    }

    /// - Returns: Whether the member was one of these.
    private mutating func readSampling(_ member: RequestNode.Member) throws(Failure) -> Bool {
        let node = member.node
        switch member.name {
        case "presence_penalty": gemini.generation.set("presencePenalty", to: try node.number())
        case "frequency_penalty": gemini.generation.set("frequencyPenalty", to: try node.number())
        case "seed": gemini.generation.set("seed", to: .integer(try node.integer()))
        case "n": try readChoiceCount(node)
        case "stop": gemini.generation.set("stopSequences", to: try Self.stopSequences(node))
        case "max_tokens", "max_completion_tokens": try gemini.generation.readMaximumTokens(node)
        case "logprobs": try gemini.generation.readLogprobs(node)
        case "top_logprobs": try gemini.generation.readTopLogprobs(node)
        case "reasoning_effort": try gemini.generation.readReasoningEffort(node)
        case "response_format": try readResponseFormat(node)
        default: return false
        }
        return true
    }

    /// - Returns: Whether the member is about tools.
    mutating func readTools(_ member: RequestNode.Member) throws(Failure) -> Bool {
        switch member.name {
        case "tools":
            for tool in try member.node.elements() {
                try gemini.tools.requireFunction(tool)
                try tool.allow(["type", "function"])
                try gemini.tools.declare(try tool.required("function"))
            }
        case "tool_choice":
            try gemini.tools.readChoice(member.node) { choice throws(Failure) in
                try choice.allow(["type", "function"])
                let function = try choice.required("function")
                try function.allow(["name"])
                return try function.required("name").string()
            }
        case "functions", "function_call":
            throw member.node.unsupported("'\(member.name)' is not supported; use 'tools' and 'tool_choice'.")
        default:
            return false
        }
        return true
    }

    private mutating func readRest(_ member: RequestNode.Member) throws(Failure) {
        let node = member.node
        switch member.name {
        case "model", "messages":
            break  // read first
        case "stream_options":
            try readStreamOptions(node)
        case "metadata":
            _ = try node.object()  // labels for stored completions, of which there are none
        case "store":
            guard try !node.bool() else { throw node.unsupported("\(Wire.providerName) cannot store completions.") }
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
        if count > 1 { gemini.generation.set("candidateCount", to: .integer(count)) }
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
        case "json_object": gemini.generation.answerAsJSON()
        case "json_schema":
            let format = try node.required("json_schema")
            try format.allow(["name", "schema", "strict", "description"])
            try gemini.generation.readSchema(format)
        default:
            throw type.unsupported("\(Wire.providerName) answers as 'text', 'json_object' or 'json_schema'.")
        }
    }
}
