import GantryPlugin

extension ResponsesRequestTranslator {
    mutating func readInput(_ node: RequestNode) throws(Failure) {
        if let text = node.value.string {
            gemini.conversation.add([["text": .string(text)]], as: .user)
            return
        }
        guard node.value.array != nil else {
            throw node.invalid("Invalid type: 'input' must be a string or an array of items.")
        }
        let items = try node.elements()
        guard !items.isEmpty else { throw node.invalid("'input' is empty.") }
        for (position, item) in items.enumerated() { try readItem(item, position: position) }
        gemini.conversation.addResults()
        try gemini.conversation.requireTurns(node)
    }

    private mutating func readItem(_ item: RequestNode, position: Int) throws(Failure) {
        let type = try item.optional("type")
        // The short form of a message names no type.
        switch try type?.string() ?? "message" {
        case "message":
            gemini.conversation.addResults()
            try readMessage(item)
        case "function_call":
            gemini.conversation.addResults()
            try readFunctionCall(item, position: position)
        case "function_call_output":
            try readFunctionCallOutput(item)
        case "reasoning":
            try checkReasoning(item)
        case "item_reference":
            throw (type ?? item).unsupported("\(Wire.providerName) keeps no items; send the item itself.")
        case let name:
            throw (type ?? item).unsupported(
                "\(Wire.providerName) has no items of the type '\(name.prefix(40))'; use message, function_call or "
                    + "function_call_output."
            )
        }
    }

    private mutating func readMessage(_ message: RequestNode) throws(Failure) {
        try message.allow(["type", "id", "status", "role", "content"])
        try message.checkLabels()
        let role = try message.required("role")
        let content = try message.required("content")
        switch try role.string() {
        case "system", "developer":
            gemini.conversation.addSystem(try media.texts(content, type: "input_text"))
        case "user":
            gemini.conversation.add(try userParts(content), as: .user)
        case "assistant":
            // Gemini refuses empty text, and it says nothing.
            let parts = try assistantParts(content).filter { $0["text"]?.string?.isEmpty == false }
            gemini.conversation.add(parts, as: .model)
        case let name:
            throw role.invalid("'\(name.prefix(40))' is not a role; use system, developer, user or assistant.")
        }
    }

    private mutating func readFunctionCall(_ item: RequestNode, position: Int) throws(Failure) {
        try item.allow(["type", "id", "status", "call_id", "name", "arguments", "extra_content"])
        try item.checkLabels()
        let id = try item.required("call_id").string()
        let call = try gemini.conversation.call(item, id: id, order: position, signedBy: item)
        gemini.conversation.add([call], as: .model)
    }

    private mutating func readFunctionCallOutput(_ item: RequestNode) throws(Failure) {
        try item.allow(["type", "id", "status", "call_id", "output"])
        try item.checkLabels()
        let id = try item.required("call_id")
        guard let call = gemini.conversation.call(id: try id.string()) else {
            throw id.invalid("No earlier item is a function call with this id.")
        }
        gemini.conversation.add(
            result: try media.texts(try item.required("output"), type: "input_text"),
            of: call
        )
    }

    /// Gemini cannot take up another model's thoughts; an item that holds none says nothing.
    private func checkReasoning(_ item: RequestNode) throws(Failure) {
        try item.allow(["type", "id", "status", "summary", "content", "encrypted_content"])
        try item.checkLabels()
        for name in ["summary", "content"] {
            guard let texts = try item.optional(name), try !texts.elements().isEmpty else { continue }
            throw texts.unsupported(Self.foreignReasoning)
        }
        if let secret = try item.optional("encrypted_content"), try !secret.string().isEmpty {
            throw secret.unsupported(Self.foreignReasoning)
        }
    }

    private static let foreignReasoning =
        "\(Wire.providerName) cannot take up the reasoning of an earlier answer; leave the item out."
}

extension ResponsesRequestTranslator {
    private func userParts(_ content: RequestNode) throws(Failure) -> [JSON] {
        try media.parts(content, types: "input_text, input_image or input_file") { type, part throws(Failure) in
            switch type {
            case "input_text": try media.text(part)
            case "input_image": try imagePart(part)
            case "input_file": try filePart(part)
            default: nil
            }
        }
    }

    private func imagePart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "image_url", "file_id", "detail"])
        try media.checkDetail(of: part)
        return try media.file(part, sources: ["image_url", "file_id"], noun: "An image")
    }

    private func filePart(_ part: RequestNode) throws(Failure) -> JSON {
        // The file's name is a label: the model is given the bytes and their type.
        try part.allow(["type", "file_id", "file_data", "file_url", "filename", "detail"])
        try media.checkDetail(of: part)
        _ = try part.optional("filename")?.string()
        return try media.file(part, sources: ["file_id", "file_data", "file_url"])
    }

    /// What an earlier answer said, as it was given or as plain text.
    private func assistantParts(_ content: RequestNode) throws(Failure) -> [JSON] {
        guard content.value.array != nil else { return try media.texts(content, type: "output_text") }
        var parts: [JSON] = []
        for part in try content.elements() {
            let type = try part.required("type")
            switch try type.string() {
            case "input_text": parts.append(try media.text(part))
            case "output_text":
                try part.allow(["type", "text", "annotations", "logprobs"])
                _ = try part.optional("logprobs")?.elements()  // a record of how the text came about
                if let annotations = try part.optional("annotations"), try !annotations.elements().isEmpty {
                    throw annotations.unsupported("\(Wire.providerName) has no annotations of an answer.")
                }
                parts.append(["text": .string(try part.required("text").string())])
            default:
                throw type.unsupported("\(Wire.providerName) has no such content part of an answer; use output_text.")
            }
        }
        return parts
    }
}

extension RequestNode {
    /// Answers have an id and a status in each item, which come back with the conversation and say nothing in it.
    fileprivate func checkLabels() throws(Failure) {
        _ = try optional("id")?.string()
        _ = try optional("status")?.string()
    }
}
