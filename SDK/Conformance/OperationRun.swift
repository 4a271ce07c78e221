import CGantryPlugin

/// One operation of a plugin with a scripted upstream.
final class OperationRun {
    /// What one event led to.
    struct Step {
        let event: ScriptedEvent
        let commands: ArraySlice<CapturedCommand>
        let status: gantry_status
    }

    static let maximumEvents = 8000

    let script: ConformanceScript
    let sink: CommandSink
    private(set) var steps: [Step] = []
    private(set) var isOver = false
    private(set) var isFreed = false
    private(set) var isPiping = false
    /// The requests that have been sent.
    private(set) var requests = 0

    private let table: UnsafePointer<gantry_plugin>
    private let operation: OpaquePointer
    private let services = OperationServices()
    private let memory: LentMemory
    private var upstream: [ScriptedEvent] = []
    private var tokens = 0
    private var awaitedTokens = 0
    private var timers: [UInt64] = []
    private var pulls = 0
    private var lines = 0
    private var hasStarted = false

    init(
        _ operation: OpaquePointer,
        table: UnsafePointer<gantry_plugin>,
        script: ConformanceScript,
        memory: LentMemory.Kind
    ) {
        self.operation = operation
        self.table = table
        self.script = script
        self.memory = LentMemory(memory)
        sink = CommandSink(services: services)
        sink.mayPull = !script.lines.isEmpty || script.operation == UInt32(GANTRY_OP_INPUT_CREATE)
    }

    var commands: [CapturedCommand] { sink.commands }

    /// The status of the last step.
    var status: gantry_status { steps.last?.status ?? 0 }

    /// Where the run is, for messages.
    var place: String {
        guard let last = steps.last else { return "\(script.name), before its first event" }
        return "\(script.name), event \(steps.count) (\(last.event.name))"
    }

    /// The next event; nil if the operation is over or waits for nothing.
    func next() -> ScriptedEvent? {
        guard !isOver, !isFreed else { return nil }
        guard hasStarted else { return script.start }
        if awaitedTokens > 0 { return script.token(tokens) }
        if pulls > 0 { return script.line(lines) }
        if let event = upstream.first { return event }
        return timers.isEmpty ? nil : ScriptedEvent(GANTRY_EV_TIMER)
    }

    /// Delivers an event that `next` gave, perhaps changed, and takes note of what it leads to.
    @discardableResult
    func deliver(_ event: ScriptedEvent) -> Step {
        consume(event)
        return step(event)
    }

    /// Delivers an event that belongs to nothing.
    @discardableResult
    func step(_ event: ScriptedEvent) -> Step {
        services.nowInMilliseconds += 1
        let before = sink.commands.count
        let status = CurrentCall.enter(services) {
            sink.lend { sink in table.pointee.op_step(operation, memory.event(event), sink) }
        }
        memory.endCall()
        let new = sink.commands[before...]
        for command in new where command.answer == 0 { follow(command) }
        if status != 0 { isOver = true }
        let step = Step(event: event, commands: new, status: status)
        steps.append(step)
        return step
    }

    /// Tells the plugin that the client is gone.
    func cancel() -> Step {
        sink.isCancelled = true
        return step(ScriptedEvent(GANTRY_EV_CANCEL))
    }

    /// Runs to the end.
    /// - Returns: Whether the operation ended; otherwise it waits for nothing, or goes on for ever.
    @discardableResult
    func finish() -> Bool {
        while let event = next(), steps.count < Self.maximumEvents { deliver(event) }
        return isOver
    }

    /// Frees the operation, once.
    func free() {
        guard !isFreed else { return }
        isFreed = true
        CurrentCall.enter(services) { table.pointee.op_free(operation) }
    }

    /// Changes what is yet to come of the upstream's answer.
    func replaceUpstream(_ change: (inout [ScriptedEvent]) -> Void) { change(&upstream) }

    private func consume(_ event: ScriptedEvent) {
        switch Int(event.kind) {
        case GANTRY_EV_START: hasStarted = true
        case GANTRY_EV_TOKEN:
            awaitedTokens -= 1
            tokens += 1
        case GANTRY_EV_SOURCE, GANTRY_EV_SOURCE_END:
            pulls -= 1
            lines += 1
            sink.mayPull = event.hasKind(GANTRY_EV_SOURCE)
        case GANTRY_EV_TIMER: if !timers.isEmpty { services.nowInMilliseconds += timers.removeFirst() }
        case GANTRY_EV_HEAD, GANTRY_EV_DATA: if !upstream.isEmpty { upstream.removeFirst() }
        case GANTRY_EV_END, GANTRY_EV_FAILED:
            upstream.removeAll()
            isPiping = false
            sink.outstanding = nil
        default: break
        }
    }

    private func follow(_ command: CapturedCommand) {
        switch Int(command.kind) {
        case GANTRY_CMD_HTTP:
            upstream = script.answer(requests).events(of: command.request, framing: command.code)
            requests += 1
        case GANTRY_CMD_ABORT: if command.request == upstream.first?.request { upstream.removeAll() }
        case GANTRY_CMD_PIPE:
            isPiping = true
            upstream.removeAll { $0.hasKind(GANTRY_EV_DATA) }
        case GANTRY_CMD_TOKEN: awaitedTokens += 1
        case GANTRY_CMD_WAIT: timers = [command.value]
        case GANTRY_CMD_PULL: pulls += 1
        case GANTRY_CMD_RESULT, GANTRY_CMD_ERROR: isOver = true
        default: break
        }
    }
}
