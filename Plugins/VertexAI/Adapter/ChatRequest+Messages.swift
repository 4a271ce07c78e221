import GantryPlugin

extension ChatRequestTranslator {
    mutating func readMessages(_ node: RequestNode) throws(Failure) {
        let messages = try node.elements()
        guard !messages.isEmpty else { throw node.invalid("'messages' is empty.") }
        for message in messages {
            let role = try message.required("role")
            let name = try role.string()
            if name == "tool" {
                try readToolResult(message)
                continue
            }
            gemini.conversation.addResults()
            switch name {
            case "system", "developer":
                try message.allow(["role", "content"])
                gemini.conversation.addSystem(try media.texts(try message.required("content"), type: "text"))
            case "user":
                try message.allow(["role", "content"])
                gemini.conversation.add(try userParts(try message.required("content")), as: .user)
            case "assistant":
                gemini.conversation.add(try assistantParts(message), as: .model)
            case "function":
                throw role.unsupported("The role 'function' is not supported; use 'tool' with a 'tool_call_id'.")
            default:
                throw role.invalid(
                    "'\(name.prefix(40))' is not a role; use system, developer, user, assistant or tool."
                )
            }
        }
        gemini.conversation.addResults()
        try gemini.conversation.requireTurns(node)
    }

    private mutating func readToolResult(_ message: RequestNode) throws(Failure) {
        try message.allow(["role", "content", "tool_call_id"])
        let id = try message.required("tool_call_id")
        guard let call = gemini.conversation.call(id: try id.string()) else {
            throw id.invalid("No earlier assistant message has a tool call with this id.")
        }
        gemini.conversation.add(
            result: try media.texts(try message.required("content"), type: "text"),
            of: call
        )
    }

    private mutating func assistantParts(_ message: RequestNode) throws(Failure) -> [JSON] {
        var parts: [JSON] = []
        var callParts: [JSON] = []
        var isEmpty = true
        for member in try message.members() {
            switch member.name {
            case "role": break
            case "content":
                isEmpty = false
                // Gemini refuses empty text, and it says nothing.
                parts = try media.texts(member.node, type: "text").filter { $0["text"]?.string?.isEmpty == false }
            case "tool_calls":
                for (order, call) in try member.node.elements().enumerated() {
                    isEmpty = false
                    callParts.append(try functionCall(call, order: order))
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

    private mutating func functionCall(_ node: RequestNode, order: Int) throws(Failure) -> JSON {
        try node.allow(["id", "type", "function", "extra_content"])
        let type = try node.required("type")
        guard try type.string() == "function" else {
            throw type.unsupported("\(Wire.providerName) knows tool calls of the type 'function' only.")
        }
        let id = try node.required("id").string()
        let function = try node.required("function")
        try function.allow(["name", "arguments"])
        return try gemini.conversation.call(function, id: id, order: order, signedBy: node)
    }
}
