import CGantryPlugin
import GantryPlugin

/// One operation of a plugin under test, and the commands that it has emitted.
package final class OperationProbe {
    /// What the sink answers to the command with that index, in the order of emission; `GANTRY_OK` by default.
    package var answer: (_ index: Int) -> Int32 {
        get { collector.answer }
        set { collector.answer = newValue }
    }

    /// The status of the last step.
    package private(set) var lastStatus: Int32 = 0

    private let operation: OpaquePointer
    private let table: gantry_plugin
    private let collector = CommandCollector()
    private var isFreed = false

    init(_ operation: OpaquePointer, _ table: gantry_plugin) {
        self.operation = operation
        self.table = table
    }

    deinit { free() }

    /// All commands so far, those that were refused among them.
    package var commands: [ProbeCommand] { collector.commands }

    /// The last command.
    package var last: ProbeCommand? { commands.last }

    /// The value with which the operation ended, if it ended well; nil too if that is not JSON.
    package var result: JSON? {
        guard let last, last.kind == .result else { return nil }
        return last.json
    }

    /// The failure with which the operation ended, if it did.
    package var failure: Failure? { last?.failure }

    /// Whether the operation has ended.
    package var isOver: Bool { last.map { $0.kind == .result || $0.kind == .error } ?? false }

    /// The request that is outstanding, by the commands and the events so far; 0 if there is none.
    package private(set) var outstandingRequest: UInt32 = 0

    /// Delivers an event.
    /// - Returns: The commands that it led to.
    @discardableResult
    package func deliver(_ event: ProbeEvent) -> [ProbeCommand] {
        guard !isFreed else { return [] }
        let before = commands.count
        lastStatus = EventBlock(event, outstandingRequest: outstandingRequest).lend { event in
            collector.withSink { sink in table.op_step?(operation, event, sink) ?? -1 }
        }
        let ends = event.kind == 4 || event.kind == 5
        if ends, event.request ?? outstandingRequest == outstandingRequest { outstandingRequest = 0 }
        let new = Array(commands[before...])
        for command in new {
            if command.kind == .http { outstandingRequest = command.request }
            if command.kind == .abort, command.request == outstandingRequest { outstandingRequest = 0 }
        }
        return new
    }

    /// Delivers HEAD of the outstanding request.
    @discardableResult
    package func head(status: Int32, headers: [(String, String)] = []) -> [ProbeCommand] {
        deliver(.head(status, headers))
    }

    /// Delivers DATA of the outstanding request.
    @discardableResult
    package func data(_ bytes: [UInt8], event: String = "") -> [ProbeCommand] { deliver(.data(bytes, event: event)) }

    /// Delivers DATA of the outstanding request.
    @discardableResult
    package func data(_ text: String, event: String = "") -> [ProbeCommand] { data(Array(text.utf8), event: event) }

    /// Delivers END of the outstanding request.
    @discardableResult
    package func end() -> [ProbeCommand] { deliver(.end) }

    /// Delivers a whole response with status, headers and body.
    /// - Returns: All the commands that it led to.
    @discardableResult
    package func respond(_ status: Int32, _ body: String = "", headers: [(String, String)] = []) -> [ProbeCommand] {
        var commands = head(status: status, headers: headers)
        if !body.isEmpty { commands += data(body) }
        return commands + end()
    }

    /// Delivers FAILED of the outstanding request, with a `GANTRY_NET_*`.
    @discardableResult
    package func failed(_ code: Int32, _ detail: String = "") -> [ProbeCommand] { deliver(.failed(code, detail)) }

    /// Delivers TOKEN with a credential.
    @discardableResult
    package func token(_ token: String) -> [ProbeCommand] { deliver(.token(token)) }

    /// Delivers TOKEN with a failure.
    @discardableResult
    package func tokenFailed(_ reason: FailureReason, _ message: String) -> [ProbeCommand] {
        deliver(.tokenFailed(reason, message))
    }

    /// Delivers TIMER.
    @discardableResult
    package func timer() -> [ProbeCommand] { deliver(.timer) }

    /// Delivers SOURCE.
    @discardableResult
    package func line(_ line: SourceLine) -> [ProbeCommand] { deliver(.source(line)) }

    /// Delivers SOURCE with a line in which the host has found nothing.
    @discardableResult
    package func line(_ text: String) -> [ProbeCommand] { line(SourceLine(bytes: Array(text.utf8))) }

    /// Delivers SOURCE_END.
    @discardableResult
    package func endOfSource() -> [ProbeCommand] { deliver(.sourceEnd) }

    /// Delivers CANCEL.
    @discardableResult
    package func cancel() -> [ProbeCommand] { deliver(.cancel) }

    /// Frees the operation, once; deinitialization does it too.
    package func free() {
        guard !isFreed else { return }
        isFreed = true
        table.op_free?(operation)
    }
}
