/// Checks the input of a request for a response and gathers what the answer speaks of.
struct ResponseInput {
    let account: OpenAIAccount

    private(set) var answer: AnswerText
    /// The items with their ids, as they are kept.
    private(set) var items: [JSON] = []
    /// The functions that were called, by call.
    private var calls: [String: String] = [:]

    init(account: OpenAIAccount, model: String, earlier: [JSON]) {
        self.account = account
        answer = AnswerText(model: model)
        for item in earlier where item["type"]?.string == "function_call" { noteCall(item) }
    }

    /// Reads the input of a request that has its shape.
    mutating func read(_ input: JSON?) throws {
        guard let input else {
            throw ShapeError(reason: .missingMember("input"), path: "")
        }
        if let text = input.string {
            answer.question = text
            let part: JSON = ["type": "input_text", "text": .string(text)]
            return keep(["type": "message", "role": "user", "content": [part]], prefix: "msg_")
        }
        let values = input.array ?? []
        guard !values.isEmpty else {
            let message =
                "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead."
            throw OpenAIError.invalid(message, param: "input", code: "empty_array")
        }
        for (index, value) in values.enumerated() {
            let path = "input[\(index)]"
            let item = try ResponsesShape.read(value, as: ResponsesShape.items, usual: "message", at: path)
            try read(item, type: item["type"]?.string ?? "message", at: path)
        }
    }

    /// Reads the tools of a request: files for its interpreter are read, too.
    mutating func read(tools: [JSON]) throws {
        for (index, value) in tools.enumerated() {
            let path = "tools[\(index)]"
            let tool = try ResponsesShape.read(value, as: ResponsesShape.tools, at: path)
            for (place, id) in (tool["container"]?["file_ids"]?.array ?? []).enumerated() {
                let path = "\(path).container.file_ids[\(place)]"
                answer.attachments.append(try account.file(id.string ?? "", at: path).attachment)
            }
            if let container = tool["container"]?.string {
                throw OpenAIError(status: 404, message: "Container with id '\(container)' not found.", param: path)
            }
            if let store = tool["vector_store_ids"]?.array?.first?.string {
                let message = "Vector store with id '\(store)' not found."
                throw OpenAIError(status: 404, message: message, param: "\(path).vector_store_ids")
            }
        }
    }

    private mutating func read(_ item: JSON, type: String, at path: String) throws {
        switch type {
        case "message":
            try read(message: item, at: path)
            keep(item.with("type", "message"), prefix: "msg_")
        case "input_text", "input_image", "input_file":
            var texts: [String] = []
            try read(part: item, at: path, into: &texts)
            if let text = texts.first { answer.question = text }
            keep(["type": "message", "role": "user", "content": [item]], prefix: "msg_")
        case "function_call":
            noteCall(item)
            keep(item, prefix: "fc_")
        case "function_call_output":
            let call = item["call_id"]?.string ?? ""
            guard let name = calls[call] else {
                let message = "No tool call found for function call output with call_id \(call)."
                throw OpenAIError.invalid(message, param: "input")
            }
            answer.toolResults.append((name, try text(of: item["output"], at: "\(path).output")))
            keep(item, prefix: "fco_")
        case "computer_call_output":
            var texts: [String] = []
            let output = item["output"] ?? .null
            try read(image: output, at: "\(path).output", into: &texts)
            keep(item, prefix: "cuo_")
        case "item_reference":
            let message = "Item with id '\(item["id"]?.string ?? "")' not found."
            throw OpenAIError(status: 404, message: message, param: "input")
        default: keep(item, prefix: "item_")
        }
    }

    private mutating func read(message: JSON, at path: String) throws {
        let text = try text(of: message["content"], at: "\(path).content")
        if message["role"]?.string == "user" { answer.question = text }
    }

    /// The text of a content, whose other parts are read.
    private mutating func text(of content: JSON?, at path: String) throws -> String {
        if let text = content?.string { return text }
        var texts: [String] = []
        for (index, value) in (content?.array ?? []).enumerated() {
            let path = "\(path)[\(index)]"
            let part = try ResponsesShape.read(value, as: ResponsesShape.parts, at: path)
            try read(part: part, at: path, into: &texts)
        }
        return texts.joined(separator: " ")
    }

    private mutating func read(part: JSON, at path: String, into texts: inout [String]) throws {
        switch part["type"]?.string {
        case "input_image": try read(image: part, at: path, into: &texts)
        case "input_file": answer.attachments.append(try file(part, at: path))
        default: texts.append(part["text"]?.string ?? "")
        }
    }

    private mutating func read(image: JSON, at path: String, into texts: inout [String]) throws {
        switch (image["file_id"]?.string, image["image_url"]?.string) {
        case (let id?, nil):
            answer.attachments.append(try account.file(id, at: "\(path).file_id").image)
        case (nil, let url?): answer.attachments.append(try account.image(url, at: "\(path).image_url"))
        default: throw Self.oneOf("'file_id' and 'image_url'", at: path)
        }
    }

    private func file(_ part: JSON, at path: String) throws -> Attachment {
        switch (part["file_id"]?.string, part["file_data"]?.string, part["file_url"]?.string) {
        case (let id?, nil, nil): return try account.file(id, at: "\(path).file_id").attachment
        case (nil, let data?, nil):
            guard let name = part["filename"]?.string else {
                throw ShapeError(reason: .missingMember("filename"), path: path)
            }
            return try DataURL(data, at: "\(path).file_data").attachment(kind: "file", name: name)
        case (nil, nil, let url?):
            guard url.hasPrefix("https://") || url.hasPrefix("http://") else {
                let message = "Invalid '\(path).file_url': expected a URL."
                throw OpenAIError.invalid(message, param: "\(path).file_url", code: "invalid_value")
            }
            return Attachment(kind: "link", name: url, mimeType: nil, bytes: nil, sha256: nil)
        default: throw Self.oneOf("'file_id', 'file_data' and 'file_url'", at: path)
        }
    }

    private mutating func noteCall(_ item: JSON) {
        calls[item["call_id"]?.string ?? ""] = item["name"]?.string ?? ""
    }

    private mutating func keep(_ item: JSON, prefix: String) {
        let id = item["id"] ?? .string(prefix + RandomName.hexadecimal(32))
        var object = item.object ?? JSONObject()
        object["id"] = id
        items.append(.object(object))
    }

    private static func oneOf(_ names: String, at path: String) -> OpenAIError {
        OpenAIError.invalid(
            "Invalid '\(path)': exactly one of \(names) must be given.",
            param: path,
            code: "invalid_value"
        )
    }
}
