import GantryPlugin

/// The functions of a request and how the model may use them.
struct ToolSettings {
    private(set) var declarations: [JSON] = []
    private var declaredNames: [String] = []
    /// Whether a function asks that its schema is kept to the letter.
    private var isStrict = false
    private var choice: (kind: ToolChoice, node: RequestNode)?

    private enum ToolChoice {
        case none
        case auto
        case required
        case function(String)
    }

    /// Refuses a tool that is no function.
    func requireFunction(_ tool: RequestNode) throws(Failure) {
        let type = try tool.required("type")
        guard try type.string() == "function" else {
            throw type.unsupported("\(Wire.providerName) deployments have tools of the type 'function' only.")
        }
    }

    /// Adds a function.
    ///
    /// - Parameters:
    ///   - function: The object with its `name`, `description`, `parameters` and `strict`.
    ///   - others: What else the object may hold, and what has been read.
    /// - Throws: `.invalid` or `.unsupported`, with the member's place.
    mutating func declare(_ function: RequestNode, besides others: [String] = []) throws(Failure) {
        var declaration = JSONObject()
        for member in try function.members() {
            switch member.name {
            case "name": break
            case "description": declaration["description"] = .string(try member.node.string())
            case "parameters": declaration["parametersJsonSchema"] = .object(try member.node.object())
            case "strict": if try member.node.bool() { isStrict = true }
            case let name where others.contains(name): break
            default: throw member.node.unknown()
            }
        }
        let name = try function.required("name").string()
        declaration["name"] = .string(name)
        declaredNames.append(name)
        declarations.append(.object(declaration))
    }

    /// Reads `tool_choice`; `name` reads the name of the function that it asks for, which kinds of requests have in
    /// places of their own.
    mutating func readChoice(
        _ node: RequestNode,
        name: (RequestNode) throws(Failure) -> String
    ) throws(Failure) {
        choice = (try Self.choice(node, name: name), node)
    }

    private static func choice(
        _ node: RequestNode,
        name: (RequestNode) throws(Failure) -> String
    ) throws(Failure) -> ToolChoice {
        if let text = node.value.string {
            switch text {
            case "none": return .none
            case "auto": return .auto
            case "required": return .required
            default: throw node.invalid("'tool_choice' must be 'none', 'auto', 'required' or a function.")
            }
        }
        let type = try node.required("type")
        guard try type.string() == "function" else {
            throw type.unsupported("\(Wire.providerName) takes a 'tool_choice' of the type 'function' only.")
        }
        return .function(try name(node))
    }

    func write(to body: inout JSONObject) throws(Failure) {
        guard !declarations.isEmpty else {
            switch choice?.kind {
            case nil, .some(.none), .auto: return
            case .required, .function:
                throw choice?.node.invalid("'tool_choice' asks for a tool, but 'tools' is empty.")
                    ?? Failure(.internalError, "A tool choice has no place.")
            }
        }
        body["tools"] = [["functionDeclarations": .array(declarations)]]
        var calling = JSONObject()
        switch choice?.kind {
        case .some(.none): calling["mode"] = "NONE"
        case .required: calling["mode"] = "ANY"
        case .function(let name):
            guard declaredNames.contains(name) else {
                throw choice?.node.invalid("'tool_choice' names a function that is not in 'tools'.")
                    ?? Failure(.internalError, "A tool choice has no place.")
            }
            calling["mode"] = "ANY"
            calling["allowedFunctionNames"] = [.string(name)]
        case nil, .auto:
            // VALIDATED is AUTO with calls that are held to their schema, as ANY always does.
            if isStrict { calling["mode"] = "VALIDATED" } else if choice != nil { calling["mode"] = "AUTO" }
        }
        if calling.count > 0 { body["toolConfig"] = ["functionCallingConfig": .object(calling)] }
    }
}
