import CGantryPlugin
import HostPluginABI

@testable import HostPlugins

/// One event as a plugin saw it.
struct ScriptedEvent: Sendable {
    let kind: Int
    let request: UInt32
    let code: Int32
    let value: UInt64
    let data: String
    let text: String
    let pairs: [String]
    let references: Int

    init(_ event: gantry_event) {
        kind = Int(event.kind)
        request = event.request
        code = event.code
        value = event.value
        data = String(lent: event.data)
        text = String(lent: event.text)
        pairs = (0..<event.pair_count).compactMap { index in
            event.pairs.map { "\(String(lent: $0[index].name)): \(String(lent: $0[index].value))" }
        }
        references = event.ref_count
    }

    /// A short form for logs.
    var line: String {
        switch kind {
        case GANTRY_EV_START: "start"
        case GANTRY_EV_HEAD: "head \(code)"
        case GANTRY_EV_DATA: "data \(text.isEmpty ? "" : text + "=")\(data)"
        case GANTRY_EV_END: "end"
        case GANTRY_EV_FAILED: "failed \(code)"
        case GANTRY_EV_TIMER: "timer"
        case GANTRY_EV_TOKEN: code == 0 ? "token \(data)" : "token error \(code)"
        case GANTRY_EV_SOURCE: "line \(data)"
        case GANTRY_EV_SOURCE_END: "end of lines"
        case GANTRY_EV_CANCEL: "cancel"
        default: "unknown \(kind)"
        }
    }
}

/// One call of `op_step`: what came, and where commands go.
struct ScriptedStep {
    enum Segment {
        case bytes(String)
        case source(UInt64, UInt64)
        case input(UInt64, UInt64)
        case secret(String, form: Bool)
    }

    let kind: UInt32
    let event: ScriptedEvent
    let sink: UnsafePointer<gantry_sink>

    var isCredential: Bool { kind == OperationKind.credential.rawValue }

    @discardableResult
    func emitRaw(_ command: UnsafePointer<gantry_command>?) -> gantry_status {
        sink.pointee.emit(sink.pointee.ctx, command)
    }

    /// Emits a command whose fields are set by `change`.
    @discardableResult
    func emit(_ kind: Int, _ change: (inout gantry_command) -> Void) -> gantry_status {
        var command = gantry_command()
        command.size = UInt32(MemoryLayout<gantry_command>.size)
        command.kind = UInt32(kind)
        change(&command)
        return emitRaw(&command)
    }

    @discardableResult
    func emit(
        _ kind: Int,
        request: UInt32 = 0,
        flags: Int = 0,
        code: Int = 0,
        value: UInt64 = 0,
        data: String = "",
        text: String = "",
        headers: [(String, String, String)] = []
    ) -> gantry_status {
        let lent = Loan()
        let pairs = lent.pairs(headers)
        return emit(kind) { command in
            command.request = request
            command.flags = UInt32(flags)
            command.code = Int32(code)
            command.value = value
            command.data = lent.slice(data)
            command.text = lent.slice(text)
            (command.pairs, command.pair_count) = (pairs, headers.count)
        }
    }

    @discardableResult
    func result(_ data: String = "{}", value: UInt64 = 0) -> gantry_status {
        emit(GANTRY_CMD_RESULT, value: value, data: data)
    }

    @discardableResult
    func output(_ data: String) -> gantry_status { emit(GANTRY_CMD_OUTPUT, data: data) }

    @discardableResult
    func remember(_ id: String) -> gantry_status { emit(GANTRY_CMD_REMEMBER, data: id, text: "file") }

    @discardableResult
    func http(
        _ url: String,
        request: UInt32 = 1,
        method: String = "POST",
        framing: Int = 0,
        flags: Int = 0,
        headers: [(String, String, String)] = [],
        body: [Segment] = []
    ) -> gantry_status {
        let lent = Loan()
        let pairs = lent.pairs(headers)
        let segments = lent.segments(body)
        return emit(GANTRY_CMD_HTTP) { command in
            command.request = request
            command.code = Int32(framing)
            command.flags = UInt32(flags)
            command.method = lent.slice(method)
            command.url = lent.slice(url)
            (command.pairs, command.pair_count) = (pairs, headers.count)
            (command.segments, command.segment_count) = (segments, body.count)
        }
    }
}

/// Memory that is lent for one call and scribbled over afterwards, so that a kept pointer shows.
final class Loan {
    private var blocks: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for block in blocks {
            block.initializeMemory(as: UInt8.self, repeating: 0xa5)
            block.deallocate()
        }
    }

    private func copy<T>(_ items: [T]) -> UnsafePointer<T>? {
        guard !items.isEmpty else { return nil }
        let block = UnsafeMutableRawBufferPointer.allocate(
            byteCount: items.count * MemoryLayout<T>.stride,
            alignment: MemoryLayout<T>.alignment
        )
        blocks.append(block)
        return block.bindMemory(to: T.self).baseAddress.map { base in
            base.initialize(from: items, count: items.count)
            return UnsafePointer(base)
        }
    }

    func slice(_ text: String) -> gantry_slice {
        gantry_slice(ptr: copy(Array(text.utf8)), len: text.utf8.count)
    }

    func pairs(_ headers: [(String, String, String)]) -> UnsafePointer<gantry_pair>? {
        copy(headers.map { gantry_pair(name: slice($0.0), value: slice($0.1), secret: slice($0.2)) })
    }

    func segments(_ segments: [ScriptedStep.Segment]) -> UnsafePointer<gantry_segment>? {
        copy(
            segments.map { segment in
                var made = gantry_segment()
                switch segment {
                case .bytes(let text): made.bytes = slice(text)
                case .source(let offset, let length):
                    (made.kind, made.offset, made.length) = (UInt32(GANTRY_SEG_SOURCE), offset, length)
                case .input(let offset, let length):
                    (made.kind, made.offset, made.length) = (UInt32(GANTRY_SEG_INPUT), offset, length)
                case .secret(let name, let form):
                    made.kind = UInt32(GANTRY_SEG_SECRET)
                    made.flags = form ? UInt32(GANTRY_SEGF_FORM) : 0
                    made.bytes = slice(name)
                }
                return made
            }
        )
    }
}
