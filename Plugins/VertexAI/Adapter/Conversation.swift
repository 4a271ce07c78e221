import GantryPlugin

/// The conversation as Gemini keeps it: instructions apart, and turns of `user` and `model` that alternate.
struct Conversation {
    private(set) var systemParts: [JSON] = []
    private(set) var turns: [Turn] = []
    private var calls: [String: PendingCall] = [:]
    private var results: [(order: Int, part: JSON)] = []

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

    /// Refuses a conversation of instructions alone, whose place is `node`.
    func requireTurns(_ node: RequestNode) throws(Failure) {
        guard !turns.isEmpty else {
            throw node.unsupported("\(Wire.providerName) needs at least one user message.")
        }
    }
}

/// A call the model made, until its result is found.
struct PendingCall {
    let name: String
    /// Its place among the calls of its turn.
    let order: Int
}

extension Conversation {
    /// The part of a call that the model made; its result may follow.
    ///
    /// - Parameters:
    ///   - function: The object with the function's `name` and its `arguments`.
    ///   - id: What the result will name.
    ///   - order: Its place among the calls of its turn.
    ///   - carrier: The object that may carry Gemini's signature of its thoughts.
    /// - Returns: The part.
    /// - Throws: `.invalid` or `.unsupported`, with the member's place.
    mutating func call(
        _ function: RequestNode,
        id: String,
        order: Int,
        signedBy carrier: RequestNode
    ) throws(Failure) -> JSON {
        let name = try function.required("name").string()
        let arguments = try function.required("arguments")
        guard let object = Wire.document(Array(try arguments.string().utf8)), object.object != nil else {
            throw arguments.invalid("The arguments of a tool call must be a JSON object in a string.")
        }
        calls[id] = PendingCall(name: name, order: order)
        var part: JSONObject = JSONObject()
        part["functionCall"] = ["name": .string(name), "args": object]
        part["thoughtSignature"] = try carrier.thoughtSignature()
        return .object(part)
    }

    /// The call that a result is of; nil if there was none of that id.
    func call(id: String) -> PendingCall? { calls[id] }

    /// Keeps the text parts of a call's result until ``addResults()``.
    mutating func add(result parts: [JSON], of call: PendingCall) {
        var text = ""
        for part in parts { text += part["text"]?.string ?? "" }
        // Gemini reads an object as it is, and anything else under `output`.
        let answer = Wire.document(Array(text.utf8))
        let response: JSON = answer?.object == nil ? ["output": .string(text)] : answer ?? .null
        results.append((call.order, ["functionResponse": ["name": .string(call.name), "response": response]]))
    }

    /// Adds the results since the last turn.
    ///
    /// Gemini matches results with calls by name and order, since Vertex AI knows no ids of calls.
    mutating func addResults() {
        guard !results.isEmpty else { return }
        add(results.sorted { $0.order < $1.order }.map(\.part), as: .user)
        results.removeAll()
    }
}

extension RequestNode {
    /// `extra_content.google.thought_signature` of a call, where Google's own OpenAI endpoint carries it too.
    fileprivate func thoughtSignature() throws(Failure) -> JSON? {
        guard let extra = try optional("extra_content") else { return nil }
        try extra.allow(["google"])
        guard let google = try extra.optional("google") else { return nil }
        try google.allow(["thought_signature"])
        return try google.optional("thought_signature").map { node throws(Failure) in .string(try node.string()) }
    }
}
