import GantryPlugin

/// Turns an OpenAI Responses request into the body of `generateContent`.
///
/// Nothing is kept, so what needs an earlier response is refused, and so are the tools that OpenAI runs itself.
struct ResponsesRequest {
    /// The body of `generateContent`.
    let body: JSON
    /// What the answer repeats of the request.
    let echo: ResponseEcho

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
        var translator = ResponsesRequestTranslator(
            media: MediaParts(files: FileReferences(references), buckets: buckets),
            model: settings.model
        )
        try translator.read(RequestNode(root: request))
        body = try translator.gemini.body(safetySettings: settings.safetySettings)
        echo = translator.echo
    }
}

/// Collects the parts of a request's translation while its members are read.
struct ResponsesRequestTranslator {
    let media: MediaParts
    var gemini: GeminiRequest
    private(set) var echo = ResponseEcho()

    init(media: MediaParts, model: String) {
        self.media = media
        gemini = GeminiRequest(model: model)
    }

    mutating func read(_ request: RequestNode) throws(Failure) {
        _ = try request.required("model").string()
        // They come before the system messages of the input, wherever they stand in the request.
        if let instructions = try request.optional("instructions") { try readInstructions(instructions) }
        try readInput(try request.required("input"))
        for member in try request.members() {
            if try gemini.readShared(member) {
                echo.repeatShared(member)
                continue
            }
            if try readAnswerForm(member) { continue }
            try readRest(member)
        }
    }

    /// - Returns: Whether the member says how to answer.
    private mutating func readAnswerForm(_ member: RequestNode.Member) throws(Failure) -> Bool {
        let node = member.node
        switch member.name {
        case "max_output_tokens":
            try gemini.generation.readMaximumTokens(node)
            echo[member.name] = node.value
        case "reasoning": try readReasoning(node)
        case "text": try readText(node)
        case "tools": try readTools(node)
        case "tool_choice":
            try gemini.tools.readChoice(node) { choice throws(Failure) in
                try choice.allow(["type", "name"])
                return try choice.required("name").string()
            }
            echo[member.name] = node.value
        default: return false
        }
        return true
    }

    private mutating func readRest(_ member: RequestNode.Member) throws(Failure) {
        let node = member.node
        switch member.name {
        case "model", "input", "instructions":
            break  // read first
        case "stream_options":
            try node.allow(["include_obfuscation"])
            _ = try node.optional("include_obfuscation")?.bool()  // padding of events; there is none
        case "metadata": try readMetadata(node)
        case "store":
            guard try !node.bool() else {
                throw node.unsupported("\(Wire.providerName) cannot store responses; use 'store': false.")
            }
        case "background":
            guard try !node.bool() else {
                throw node.unsupported("\(Wire.providerName) cannot answer in the background; leave it out.")
            }
        case "truncation":
            guard try node.string() == "disabled" else {
                throw node.unsupported("\(Wire.providerName) never shortens the input; use 'disabled'.")
            }
        case "include":
            guard try node.elements().isEmpty else {
                throw node.unsupported("\(Wire.providerName) has nothing more to include; leave 'include' out.")
            }
        case "previous_response_id", "conversation":
            throw node.unsupported("\(Wire.providerName) keeps no responses; send the whole conversation in 'input'.")
        default:
            throw node.unknown()
        }
    }

    private mutating func readInstructions(_ node: RequestNode) throws(Failure) {
        let text = try node.string()
        // Gemini refuses empty text, and it says nothing.
        if !text.isEmpty { gemini.conversation.addSystem([["text": .string(text)]]) }
        echo["instructions"] = node.value
    }

    private mutating func readReasoning(_ node: RequestNode) throws(Failure) {
        // A summary of the thoughts would be output that nobody here makes.
        try node.allow(["effort"])
        guard let effort = try node.optional("effort") else { return }
        try gemini.generation.readReasoningEffort(effort)
        echo["reasoning"] = ["effort": effort.value, "summary": .null]
    }

    private mutating func readText(_ node: RequestNode) throws(Failure) {
        try node.allow(["format"])
        guard let format = try node.optional("format") else { return }
        let type = try format.required("type")
        switch try type.string() {
        case "text": try format.allow(["type"])
        case "json_object":
            try format.allow(["type"])
            gemini.generation.answerAsJSON()
        case "json_schema":
            try format.allow(["type", "name", "schema", "strict", "description"])
            _ = try format.required("schema")
            try gemini.generation.readSchema(format)
        default:
            throw type.unsupported("\(Wire.providerName) answers as 'text', 'json_object' or 'json_schema'.")
        }
        echo["text"] = ["format": format.value]
    }

    private mutating func readTools(_ node: RequestNode) throws(Failure) {
        var tools: [JSON] = []
        for tool in try node.elements() {
            try gemini.tools.requireFunction(tool)
            try gemini.tools.declare(tool, besides: ["type"])
            tools.append(ResponseEcho.function(tool.value))
        }
        echo["tools"] = .array(tools)
    }

    /// Labels of the client's own, which come back with the answer.
    private mutating func readMetadata(_ node: RequestNode) throws(Failure) {
        var metadata = JSONObject()
        for member in try node.members() { metadata[member.name] = .string(try member.node.string()) }
        guard metadata.count <= 16 else { throw node.invalid("'metadata' has at most 16 members.") }
        echo["metadata"] = .object(metadata)
    }
}
