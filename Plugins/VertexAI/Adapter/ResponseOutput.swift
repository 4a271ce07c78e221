import GantryPlugin

/// The items of a response's output, in the order in which the model makes them.
struct ResponseOutput {
    /// The finished items.
    private(set) var items: [JSON] = []
    private let identity: AnswerIdentity
    private var openText: String?
    private var callCount = 0
    private var size = 0

    /// What has happened to the output, for those who tell the client step by step.
    ///
    /// `index` is the item's place; `id` its own.
    enum Step {
        case messageOpened(index: Int, id: String)
        case text(String, index: Int, id: String)
        case messageClosed(text: String, item: JSON, index: Int, id: String)
        case call(FunctionCall, opened: JSON, closed: JSON, index: Int, id: String)
    }

    /// More than any model answers: an answer is held until its end, and told once more there.
    static let byteLimit = 8 << 20
    /// With these an event's steps stay within what the host takes for one.
    static let itemLimit = 512

    init(identity: AnswerIdentity) {
        self.identity = identity
    }

    /// Adds the parts of a candidate, or of one event of it; texts without a call between them are one.
    @discardableResult
    mutating func add(_ candidate: JSON) throws(Failure) -> [Step] {
        var steps: [Step] = []
        var text = ""
        for part in candidate["content"]?["parts"]?.array ?? [] {
            switch try AnswerPart(part, form: "a response") {
            case .text(let more)?: text += more
            case .call(let call)?:
                try add(text, to: &steps)
                text = ""
                try add(call, to: &steps)
            case nil: break
            }
        }
        try add(text, to: &steps)
        return steps
    }

    /// Finishes the message that is open, if there is one.
    @discardableResult
    mutating func close(status: String) -> Step? {
        guard let text = openText else { return nil }
        openText = nil
        let index = items.count
        let item = Self.message(id: messageID, status: status, content: [Self.outputText(text)])
        let step = Step.messageClosed(text: text, item: item, index: index, id: messageID)
        items.append(item)
        return step
    }

    private mutating func add(_ text: String, to steps: inout [Step]) throws(Failure) {
        guard !text.isEmpty else { return }
        try count(text.utf8.count)
        if openText == nil {
            openText = ""
            steps.append(.messageOpened(index: items.count, id: messageID))
        }
        openText?.append(text)
        steps.append(.text(text, index: items.count, id: messageID))
    }

    private mutating func add(_ call: FunctionCall, to steps: inout [Step]) throws(Failure) {
        try count(call.arguments.utf8.count)
        if let closed = close(status: "completed") { steps.append(closed) }
        let id = "fc_\(identity.uniqueText)\(items.count)"
        if call.id == nil { callCount += 1 }
        let callID = call.id.map { .string($0) } ?? identity.callID(callCount)
        let item = Self.call(call, id: id, callID: callID, status: "completed", arguments: call.arguments)
        let opened = Self.call(call, id: id, callID: callID, status: "in_progress", arguments: "")
        steps.append(.call(call, opened: opened, closed: item, index: items.count, id: id))
        items.append(item)
    }

    /// The id of the message that is open, or would be.
    private var messageID: String { "msg_\(identity.uniqueText)\(items.count)" }

    private mutating func count(_ bytes: Int) throws(Failure) {
        size += bytes
        guard size <= Self.byteLimit, items.count < Self.itemLimit else {
            throw Failure(.upstreamProtocol, "\(Wire.providerName)'s answer is longer than a response may be.")
        }
    }

    static func message(id: String, status: String, content: [JSON]) -> JSON {
        [
            "id": .string(id), "type": "message", "status": .string(status), "role": "assistant",
            "content": .array(content),
        ]
    }

    static func outputText(_ text: String) -> JSON {
        ["type": "output_text", "annotations": [], "logprobs": [], "text": .string(text)]
    }

    private static func call(
        _ call: FunctionCall,
        id: String,
        callID: JSON,
        status: JSON,
        arguments: String
    ) -> JSON {
        var item = JSONObject()
        item["id"] = .string(id)
        item["type"] = "function_call"
        item["status"] = status
        item["call_id"] = callID
        item["name"] = .string(call.name)
        item["arguments"] = .string(arguments)
        item["extra_content"] = call.extraContent
        return .object(item)
    }
}
