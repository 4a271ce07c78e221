import NIOCore

/// The events of a response's stream; always the same for one response.
struct ResponseEvents {
    private var events: [ByteBuffer] = []

    /// Makes the events.
    ///
    /// - Parameters:
    ///   - whole: The response as it is in the end.
    ///   - isBackground: Whether it was queued at first.
    ///   - isOver: Whether there is an answer already.
    private init(_ whole: JSON, isBackground: Bool, isOver: Bool) {
        let status = isBackground ? "queued" : "in_progress"
        add("response.created", ["response": ResponseRecord.unfinished(whole, status: status)])
        if isBackground { add("response.queued", ["response": ResponseRecord.unfinished(whole, status: status)]) }
        guard isOver else { return }
        add("response.in_progress", ["response": ResponseRecord.unfinished(whole, status: "in_progress")])
        for (index, item) in (whole["output"]?.array ?? []).enumerated() { add(item, at: index) }
        add("response.\(whole["status"]?.string ?? "completed")", ["response": whole])
    }

    /// The events of a stream that answers the request itself.
    static func all(of whole: JSON) -> [ByteBuffer] {
        ResponseEvents(whole, isBackground: false, isOver: true).events
    }

    /// The events of a response made in the background, without the first ones: all up to the one of that number.
    static func all(of record: ResponseRecord, after number: Int = -1) -> [ByteBuffer] {
        let events = ResponseEvents(record.json, isBackground: true, isOver: record.status.isFinal).events
        return Array(events.dropFirst(number + 1))
    }

    private mutating func add(_ item: JSON, at index: Int) {
        let place: JSON = ["output_index": .integer(index)]
        let start = item.with("status", "in_progress")
        guard let part = item["content"]?.array?.first else {
            add("response.output_item.added", place.with("item", start.with("arguments", "")))
            let call = place.with("item_id", item["id"] ?? .null)
            let arguments = item["arguments"] ?? ""
            add("response.function_call_arguments.delta", call.with("delta", arguments))
            add(
                "response.function_call_arguments.done",
                call.with("name", item["name"] ?? .null).with("arguments", arguments)
            )
            return add("response.output_item.done", place.with("item", item))
        }
        add("response.output_item.added", place.with("item", start.with("content", [])))
        let inside = place.with("item_id", item["id"] ?? .null).with("content_index", 0)
        add("response.content_part.added", inside.with("part", part.with("text", "")))
        let text = part["text"]?.string ?? ""
        for piece in Tokens.pieces(of: text) {
            add("response.output_text.delta", inside.with("delta", .string(piece)).with("logprobs", []))
        }
        add("response.output_text.done", inside.with("text", .string(text)).with("logprobs", []))
        add("response.content_part.done", inside.with("part", part))
        add("response.output_item.done", place.with("item", item))
    }

    private mutating func add(_ name: String, _ members: JSON) {
        let event = JSON.members(["type": .string(name), "sequence_number": .integer(events.count)])
        let data = (members.object?.members ?? []).reduce(event) { $0.with($1.key, $1.value) }
        events.append(ByteBuffer(string: "event: \(name)\ndata: \(data.text)\n\n"))
    }
}
