import CGantryPlugin

/// Where a plugin's commands go: they are copied, judged as the host judges them, and answered.
final class CommandSink {
    private(set) var commands: [CapturedCommand] = []
    /// How often the plugin emitted while it was not called.
    private(set) var strayCommands = 0
    /// Answers a command instead of the rules, by its number in the operation.
    var answer: (Int) -> gantry_status? = { _ in nil }
    var outstanding: UInt32?
    var mayPull = false
    var isCancelled = false
    private(set) var hasEnded = false
    private var isOpen = false
    private let memory: UnsafeMutablePointer<gantry_sink>
    private let services: OperationServices

    /// Makes a sink; `services` tell on which thread a call is being made.
    init(services: OperationServices) {
        self.services = services
        memory = .allocate(capacity: 1)
        memory.initialize(
            to: gantry_sink(
                size: UInt32(MemoryLayout<gantry_sink>.size),
                reserved: 0,
                ctx: Unmanaged.passUnretained(self).toOpaque(),
                emit: { context, command in
                    guard let context, let command else { return gantry_status(GANTRY_E_INVALID) }
                    return Unmanaged<CommandSink>.fromOpaque(context).takeUnretainedValue().receive(command)
                }
            )
        )
    }

    deinit { memory.deallocate() }

    /// Opens the sink for one call.
    func lend<R>(_ body: (UnsafePointer<gantry_sink>) -> R) -> R {
        isOpen = true
        defer { isOpen = false }
        return body(UnsafePointer(memory))
    }

    private func receive(_ lent: UnsafePointer<gantry_command>) -> gantry_status {
        guard isOpen, CurrentCall.services === services else {
            strayCommands += 1
            return gantry_status(GANTRY_E_STATE)
        }
        var command = CapturedCommand(lent)
        command.answer =
            commands.count < 4096 ? answer(commands.count) ?? judged(command) : gantry_status(GANTRY_E_LIMIT)
        if command.answer == 0 { accept(command) }
        if commands.count < 8192 { commands.append(command) }
        return command.answer
    }

    private func judged(_ command: CapturedCommand) -> gantry_status {
        guard command.defect == nil else { return gantry_status(GANTRY_E_INVALID) }
        guard !hasEnded else { return gantry_status(GANTRY_E_STATE) }
        let cleaning = [GANTRY_CMD_FORGET, GANTRY_CMD_RESULT, GANTRY_CMD_ERROR]
        if isCancelled, !cleaning.contains(Int(command.kind)) { return gantry_status(GANTRY_E_STATE) }
        switch Int(command.kind) {
        case GANTRY_CMD_BODY, GANTRY_CMD_BODY_END: return gantry_status(GANTRY_E_UNSUPPORTED)
        case GANTRY_CMD_HTTP:
            if command.flags & UInt32(GANTRY_HTTP_STREAM_BODY) != 0 { return gantry_status(GANTRY_E_UNSUPPORTED) }
            return outstanding == nil ? 0 : gantry_status(GANTRY_E_STATE)
        case GANTRY_CMD_PULL: return mayPull ? 0 : gantry_status(GANTRY_E_STATE)
        case GANTRY_CMD_HTTP...GANTRY_CMD_ERROR: return 0
        default: return gantry_status(GANTRY_E_UNSUPPORTED)
        }
    }

    private func accept(_ command: CapturedCommand) {
        switch Int(command.kind) {
        case GANTRY_CMD_HTTP: outstanding = command.request
        case GANTRY_CMD_ABORT: if outstanding == command.request { outstanding = nil }
        case GANTRY_CMD_PULL: mayPull = false
        case GANTRY_CMD_RESULT, GANTRY_CMD_ERROR: hasEnded = true
        default: break
        }
    }
}
