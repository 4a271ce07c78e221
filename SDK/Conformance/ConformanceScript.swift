import CGantryPlugin

/// What a plugin is put through once: an operation, its input, and what the upstream answers.
package struct ConformanceScript: Equatable, Sendable {
    /// What the upstream answers to one request.
    package struct Answer: Equatable, Sendable {
        package var status: Int32 = 200
        package var headers: [ScriptedHeader] = []
        /// The body, in the pieces in which it comes.
        package var body: [[UInt8]] = []
        package var trailers: [ScriptedHeader] = []
        /// How the answer breaks off instead of ending, or instead of beginning if `isRefused`.
        package var failure: (code: Int32, detail: String)?
        /// Whether there is no answer at all.
        package var isRefused = false

        package init() {}

        package static func == (left: Answer, right: Answer) -> Bool {
            left.status == right.status && left.headers == right.headers && left.body == right.body
                && left.trailers == right.trailers && left.failure?.code == right.failure?.code
                && left.failure?.detail == right.failure?.detail && left.isRefused == right.isRefused
        }
    }

    /// A line of the source, with the places that the host has resolved in it.
    package struct Line: Equatable, Sendable {
        package var bytes: [UInt8]
        package var references: [ScriptedReference] = []
    }

    /// A credential, or why there is none.
    package struct Token: Equatable, Sendable {
        package var value: String
        package var failure: Int32 = 0
    }

    /// What the script is called in messages.
    package var name: String
    /// `GANTRY_OP_*`.
    package var operation: UInt32
    /// JSON; nil for an empty object.
    package var configuration: [UInt8]?
    /// JSON; nil for parameters made from the plugin's description.
    package var parameters: [UInt8]?
    /// `GANTRY_IN_*`.
    package var flags: UInt32 = 0
    /// The length of the source; nil if there is none or it is not known.
    package var sourceLength: UInt64?
    package var input: [UInt8] = Array("{}".utf8)
    package var references: [ScriptedReference] = []
    package var lines: [Line] = []
    package var tokens: [Token] = []
    /// The answers in order; further requests get the last one again.
    package var answers: [Answer] = []
    /// The commands as lines in order, a `*` at the end standing for anything; nil if the script expects nothing.
    package var expected: [String]?

    /// Makes a script for an operation.
    package init(_ name: String, operation: UInt32) {
        self.name = name
        self.operation = operation
    }

    /// The first event.
    var start: ScriptedEvent {
        var event = ScriptedEvent(GANTRY_EV_START)
        event.flags = flags
        event.value = sourceLength ?? .max
        event.data = input
        event.text = "req-check"
        event.references = references
        return event
    }

    func token(_ index: Int) -> ScriptedEvent {
        var event = ScriptedEvent(GANTRY_EV_TOKEN)
        let token = tokens.isEmpty ? Token(value: "token-\(index)") : tokens[min(index, tokens.count - 1)]
        event.code = token.failure
        if token.failure == 0 { event.data = Array(token.value.utf8) } else { event.text = token.value }
        return event
    }

    func line(_ index: Int) -> ScriptedEvent {
        guard index < lines.count else { return ScriptedEvent(GANTRY_EV_SOURCE_END) }
        var event = ScriptedEvent(GANTRY_EV_SOURCE)
        event.data = lines[index].bytes
        event.references = lines[index].references
        return event
    }

    func answer(_ index: Int) -> Answer { answers.isEmpty ? Answer() : answers[min(index, answers.count - 1)] }
}

extension ConformanceScript.Answer {
    /// The events of the answer, framed as the host frames it.
    func events(of request: UInt32, framing: Int32) -> [ScriptedEvent] {
        if isRefused { return [end(request)] }
        var head = ScriptedEvent(GANTRY_EV_HEAD)
        (head.request, head.code, head.headers) = (request, status, headers)
        return [head] + pieces(framing).map { data($0.0, event: $0.1, request) } + [end(request)]
    }

    private func pieces(_ framing: Int32) -> [([UInt8], String)] {
        let whole = Array(body.joined())
        switch Int(framing) {
        case GANTRY_FRAME_LINES: return Self.lines(of: whole).map { ($0, "") }
        case GANTRY_FRAME_SSE: return Self.serverSentEvents(of: whole)
        case GANTRY_FRAME_RAW: return body.filter { !$0.isEmpty }.map { ($0, "") }
        default: return whole.isEmpty ? [] : [(whole, "")]
        }
    }

    private static func lines(of bytes: [UInt8]) -> [[UInt8]] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            line.last == UInt8(ascii: "\r") ? Array(line.dropLast()) : Array(line)
        }
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Takes an event stream apart; what is not ended by an empty line does not count.
    private static func serverSentEvents(of bytes: [UInt8]) -> [([UInt8], String)] {
        var events: [([UInt8], String)] = []
        var (data, name): ([[UInt8]], String) = ([], "")
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty {
                if !data.isEmpty { events.append((Array(data.joined(separator: [UInt8(ascii: "\n")])), name)) }
                (data, name) = ([], "")
            } else if line.starts(with: "data:".utf8) {
                let value = line.dropFirst(5)
                data.append(Array(value.first == UInt8(ascii: " ") ? value.dropFirst() : value))
            } else if line.starts(with: "event:".utf8) {
                name = String(decoding: line.dropFirst(6).drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
            }
        }
        return events
    }

    private func data(_ bytes: [UInt8], event name: String, _ request: UInt32) -> ScriptedEvent {
        var event = ScriptedEvent(GANTRY_EV_DATA)
        (event.request, event.data, event.text) = (request, bytes, name)
        return event
    }

    private func end(_ request: UInt32) -> ScriptedEvent {
        guard let failure else {
            var event = ScriptedEvent(GANTRY_EV_END)
            (event.request, event.headers) = (request, trailers)
            return event
        }
        var event = ScriptedEvent(GANTRY_EV_FAILED)
        (event.request, event.code, event.text) = (request, failure.code, failure.detail)
        return event
    }
}
