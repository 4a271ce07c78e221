import GantryPlugin

/// The conversation as Gemini keeps it: instructions apart, and turns of `user` and `model` that alternate.
struct Conversation {
    private(set) var systemParts: [JSON] = []
    private(set) var turns: [Turn] = []

    enum Role: String {
        case user
        case model
    }

    struct Turn {
        let role: Role
        var parts: [JSON]
    }

    var contents: [JSON] {
        turns.map { ["role": .string($0.role.rawValue), "parts": .array($0.parts)] }
    }

    mutating func addSystem(_ parts: [JSON]) {
        systemParts.append(contentsOf: parts)
    }

    /// Adds to the last turn if it has the same role: Gemini wants roles to alternate, and all results of one turn's
    /// calls in one turn.
    mutating func add(_ parts: [JSON], as role: Role) {
        guard !parts.isEmpty else { return }
        if let last = turns.indices.last, turns[last].role == role {
            turns[last].parts.append(contentsOf: parts)
        } else {
            turns.append(Turn(role: role, parts: parts))
        }
    }
}

/// A call the model made, until its result is found.
struct PendingCall {
    let name: String
    /// Its place among the calls of its turn.
    let order: Int
}

extension ChatRequestTranslator {
    mutating func readMessages(_ node: RequestNode) throws(Failure) {
        let messages = try node.elements()
        guard !messages.isEmpty else { throw node.invalid("'messages' is empty.") }
        var calls: [String: PendingCall] = [:]
        var results: [(order: Int, part: JSON)] = []
        for message in messages {
            let role = try message.required("role")
            let name = try role.string()
            if name == "tool" {
                results.append(try toolResult(message, calls: calls))
                continue
            }
            addResults(&results)
            switch name {
            case "system", "developer":
                try message.allow(["role", "content"])
                conversation.addSystem(try textParts(try message.required("content")))
            case "user":
                try message.allow(["role", "content"])
                conversation.add(try userParts(try message.required("content")), as: .user)
            case "assistant":
                conversation.add(try assistantParts(message, calls: &calls), as: .model)
            case "function":
                throw role.unsupported("The role 'function' is not supported; use 'tool' with a 'tool_call_id'.")
            default:
                throw role.invalid(
                    "'\(name.prefix(40))' is not a role; use system, developer, user, assistant or tool."
                )
            }
        }
        addResults(&results)
        guard !conversation.turns.isEmpty else {
            throw node.unsupported("\(Wire.providerName) needs at least one user message.")
        }
    }

    /// Gemini matches results with calls by name and order, since Vertex AI knows no ids of calls.
    private mutating func addResults(_ results: inout [(order: Int, part: JSON)]) {
        guard !results.isEmpty else { return }
        conversation.add(results.sorted { $0.order < $1.order }.map(\.part), as: .user)
        results.removeAll()
    }

    private func toolResult(
        _ message: RequestNode,
        calls: [String: PendingCall]
    ) throws(Failure) -> (order: Int, part: JSON) {
        try message.allow(["role", "content", "tool_call_id"])
        let id = try message.required("tool_call_id")
        guard let call = calls[try id.string()] else {
            throw id.invalid("No earlier assistant message has a tool call with this id.")
        }
        var text = ""
        for part in try textParts(try message.required("content")) { text += part["text"]?.string ?? "" }
        // Gemini reads an object as it is, and anything else under `output`.
        let answer = Wire.document(Array(text.utf8))
        let response: JSON = answer?.object == nil ? ["output": .string(text)] : answer ?? .null
        return (call.order, ["functionResponse": ["name": .string(call.name), "response": response]])
    }

    private func assistantParts(
        _ message: RequestNode,
        calls: inout [String: PendingCall]
    ) throws(Failure) -> [JSON] {
        var parts: [JSON] = []
        var callParts: [JSON] = []
        var isEmpty = true
        for member in try message.members() {
            switch member.name {
            case "role": break
            case "content":
                isEmpty = false
                // Gemini refuses empty text, and it says nothing.
                parts = try textParts(member.node).filter { $0["text"]?.string?.isEmpty == false }
            case "tool_calls":
                for (order, call) in try member.node.elements().enumerated() {
                    isEmpty = false
                    callParts.append(try functionCall(call, order: order, calls: &calls))
                }
            case "annotations" where member.node.value.array?.isEmpty == true:
                break  // OpenAI's answers have an empty list, which comes back with the conversation
            case "refusal", "audio", "name":
                throw member.node.unsupported("\(Wire.providerName) has no '\(member.name)' of an assistant message.")
            case "function_call":
                throw member.node.unsupported("'function_call' is not supported; use 'tool_calls'.")
            default:
                throw member.node.unknown()
            }
        }
        guard !isEmpty else { throw message.invalid("An assistant message needs 'content' or 'tool_calls'.") }
        return parts + callParts
    }

    private func functionCall(
        _ node: RequestNode,
        order: Int,
        calls: inout [String: PendingCall]
    ) throws(Failure) -> JSON {
        try node.allow(["id", "type", "function", "extra_content"])
        let type = try node.required("type")
        guard try type.string() == "function" else {
            throw type.unsupported("\(Wire.providerName) knows tool calls of the type 'function' only.")
        }
        let id = try node.required("id").string()
        let function = try node.required("function")
        try function.allow(["name", "arguments"])
        let name = try function.required("name").string()
        let arguments = try function.required("arguments")
        guard let object = Wire.document(Array(try arguments.string().utf8)), object.object != nil else {
            throw arguments.invalid("The arguments of a tool call must be a JSON object in a string.")
        }
        calls[id] = PendingCall(name: name, order: order)
        var part: JSONObject = JSONObject()
        part["functionCall"] = ["name": .string(name), "args": object]
        part["thoughtSignature"] = try thoughtSignature(node)
        return .object(part)
    }

    /// `extra_content.google.thought_signature`, where Google's own OpenAI endpoint carries it too.
    private func thoughtSignature(_ call: RequestNode) throws(Failure) -> JSON? {
        guard let extra = try call.optional("extra_content") else { return nil }
        try extra.allow(["google"])
        guard let google = try extra.optional("google") else { return nil }
        try google.allow(["thought_signature"])
        return try google.optional("thought_signature").map { node throws(Failure) in .string(try node.string()) }
    }
}
