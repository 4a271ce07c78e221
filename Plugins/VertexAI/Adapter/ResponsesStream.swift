import GantryPlugin

/// Turns the events of `streamGenerateContent` into those of a response, one event at a time.
struct ResponsesStream: AnswerStream {
    private let object: ResponseObject
    private var output: ResponseOutput
    private var model: JSON?
    private var reason: FinishReason?
    private var blockReason: FinishReason?
    private var hasStarted = false
    private var sequenceNumber: Int64 = 0
    private var usage: TokenUsage?

    init(echo: ResponseEcho, identity: AnswerIdentity) {
        object = ResponseObject(echo: echo, identity: identity)
        output = ResponseOutput(identity: identity)
    }

    var usageReport: JSON? { usage?.responsesJSON }

    static func eventName(_ payload: JSON) -> String { payload["type"]?.string ?? "" }

    /// Translates one event.
    ///
    /// - Parameter payload: A `GenerateContentResponse`, or an error.
    /// - Returns: The events for the client, each named by its `type`.
    /// - Throws: The error of the event, or `.upstreamProtocol`.
    mutating func consume(_ payload: [UInt8]) throws(Failure) -> [JSON] {
        let event = try UpstreamAnswer.event(payload)
        model = model ?? object.identity.modelName(event)
        usage = TokenUsage(event["usageMetadata"]) ?? usage
        blockReason = FinishReason(blockedPrompt: event) ?? blockReason
        guard let candidate = UpstreamAnswer.candidate(of: event) else { return [] }
        reason = FinishReason(candidate) ?? reason
        let steps = try output.add(candidate)
        guard !steps.isEmpty else { return [] }
        var events: [JSON] = []
        start(&events)
        for step in steps { write(step, to: &events) }
        return events
    }

    /// The last events, once the stream has ended.
    ///
    /// - Throws: `.upstreamProtocol` if it ended before the answer did.
    mutating func finish() throws(Failure) -> [JSON] {
        guard let reason = reason ?? (hasStarted ? nil : blockReason) else { throw UpstreamAnswer.truncated }
        let end = ResponseEnd(reason)
        var events: [JSON] = []
        start(&events)
        if let step = output.close(status: end.messageStatus) { write(step, to: &events) }
        add("response.\(end.status)", [("response", response(end))], to: &events)
        return events
    }

    /// The first events go out with the first of the answer: what fails before can still be tried elsewhere.
    private mutating func start(_ events: inout [JSON]) {
        guard !hasStarted else { return }
        hasStarted = true
        add("response.created", [("response", response(nil))], to: &events)
        add("response.in_progress", [("response", response(nil))], to: &events)
    }

    private func response(_ end: ResponseEnd?) -> JSON {
        object.json(
            model: model ?? .string(object.identity.model),
            end: end,
            output: end == nil ? [] : output.items,
            usage: end == nil ? nil : usage
        )
    }

    private mutating func write(_ step: ResponseOutput.Step, to events: inout [JSON]) {
        switch step {
        case .messageOpened(let index, let id):
            let item = ResponseOutput.message(id: id, status: "in_progress", content: [])
            add("response.output_item.added", Self.item(item, index), to: &events)
            add("response.content_part.added", Self.part(ResponseOutput.outputText(""), index, id), to: &events)
        case .text(let text, let index, let id):
            add("response.output_text.delta", Self.text("delta", text, index, id), to: &events)
        case .messageClosed(let text, let item, let index, let id):
            add("response.output_text.done", Self.text("text", text, index, id), to: &events)
            add("response.content_part.done", Self.part(ResponseOutput.outputText(text), index, id), to: &events)
            add("response.output_item.done", Self.item(item, index), to: &events)
        case .call(let call, let opened, let closed, let index, let id):
            add("response.output_item.added", Self.item(opened, index), to: &events)
            let place: [(String, JSON)] = [("item_id", .string(id)), ("output_index", .integer(Int64(index)))]
            let arguments = JSON.string(call.arguments)
            // Gemini gives a call as a whole.
            add("response.function_call_arguments.delta", place + [("delta", arguments)], to: &events)
            let done = place + [("name", .string(call.name)), ("arguments", arguments)]
            add("response.function_call_arguments.done", done, to: &events)
            add("response.output_item.done", Self.item(closed, index), to: &events)
        }
    }

    private mutating func add(_ type: String, _ members: [(String, JSON)], to events: inout [JSON]) {
        var event = JSONObject()
        event.append(name: "type", value: .string(type))
        event.append(name: "sequence_number", value: .integer(sequenceNumber))
        for (name, value) in members { event.append(name: name, value: value) }
        sequenceNumber += 1
        events.append(.object(event))
    }

    private static func item(_ item: JSON, _ index: Int) -> [(String, JSON)] {
        [("output_index", .integer(Int64(index))), ("item", item)]
    }

    private static func part(_ part: JSON, _ index: Int, _ id: String) -> [(String, JSON)] {
        content(index, id) + [("part", part)]
    }

    private static func text(_ name: String, _ text: String, _ index: Int, _ id: String) -> [(String, JSON)] {
        content(index, id) + [(name, .string(text)), ("logprobs", [])]
    }

    /// The place of a message's one part.
    private static func content(_ index: Int, _ id: String) -> [(String, JSON)] {
        [("item_id", .string(id)), ("output_index", .integer(Int64(index))), ("content_index", 0)]
    }
}
