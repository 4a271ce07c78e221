import GantryPlugin

/// The functions of a request and how the model may use them.
struct ToolSettings {
    var declarations: [JSON] = []
    var declaredNames: [String] = []
    /// Whether a function asks that its schema is kept to the letter.
    var isStrict = false
    var choice: (kind: ToolChoice, node: RequestNode)?

    enum ToolChoice {
        case none
        case auto
        case required
        case function(String)
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

extension ChatRequestTranslator {
    /// - Returns: Whether the member is about tools.
    mutating func readTools(_ member: RequestNode.Member) throws(Failure) -> Bool {
        switch member.name {
        case "tools":
            for tool in try member.node.elements() { try readTool(tool) }
        case "tool_choice":
            tools.choice = (try toolChoice(member.node), member.node)
        case "parallel_tool_calls":
            guard try member.node.bool() else {
                throw member.node.unsupported("\(Wire.providerName) cannot be kept from calling tools in parallel.")
            }
        case "functions", "function_call":
            throw member.node.unsupported("'\(member.name)' is not supported; use 'tools' and 'tool_choice'.")
        default:
            return false
        }
        return true
    }

    private mutating func readTool(_ tool: RequestNode) throws(Failure) {
        let type = try tool.required("type")
        guard try type.string() == "function" else {
            throw type.unsupported("\(Wire.providerName) deployments have tools of the type 'function' only.")
        }
        try tool.allow(["type", "function"])
        var declaration = JSONObject()
        for member in try tool.required("function").members() {
            switch member.name {
            case "name": break
            case "description": declaration["description"] = .string(try member.node.string())
            case "parameters": declaration["parametersJsonSchema"] = .object(try member.node.object())
            case "strict": if try member.node.bool() { tools.isStrict = true }
            default: throw member.node.unknown()
            }
        }
        let name = try tool.required("function").required("name").string()
        declaration["name"] = .string(name)
        tools.declaredNames.append(name)
        tools.declarations.append(.object(declaration))
    }

    private func toolChoice(_ node: RequestNode) throws(Failure) -> ToolSettings.ToolChoice {
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
        try node.allow(["type", "function"])
        let function = try node.required("function")
        try function.allow(["name"])
        return .function(try function.required("name").string())
    }
}
