import CGantryPlugin

/// What a plugin may emit: the state of one operation as far as it decides about commands.
///
/// The host keeps one of these for each operation. A worker gets its state with every step and applies the same rules,
/// so that `emit` returns there what it would return in the host.
package struct EmissionRules {
    /// More commands than any sane step emits; a plugin over it is told to stop.
    package static let maximumCommands = 4096
    /// The most bytes one step may hand over, so that a loop of OUTPUT cannot fill the memory.
    package static let maximumBytes = 256 << 20

    /// Whether the operation has had its last command.
    package private(set) var hasEnded = false
    /// The request that was sent and neither answered to its end nor aborted, as far as the plugin can know.
    package var outstanding: UInt32?
    /// After CANCEL a plugin may only clean up its books.
    package var isCancelled = false
    /// Whether the source may have another line and the plugin has not asked for it.
    package var mayPull = false

    private let maximumBytes: Int
    private var commands = 0
    private var bytes = 0

    /// Makes the rules of a new operation.
    ///
    /// - Parameter maximumBytes: The most bytes one step may hand over; a worker has less memory than a host.
    package init(maximumBytes: Int = EmissionRules.maximumBytes) {
        self.maximumBytes = min(maximumBytes, Self.maximumBytes)
    }

    /// The next command is the first of a step.
    package mutating func beginStep() { (commands, bytes) = (0, 0) }

    /// Lets a command pass.
    ///
    /// - Parameter lent: What the plugin emits.
    /// - Returns: The command, which is one of its step now.
    /// - Throws: ``RefusedCommand`` with what `emit` has to return; then nothing has changed.
    package mutating func admit(_ lent: UnsafePointer<gantry_command>) throws(RefusedCommand) -> CheckedCommand {
        guard let command = CheckedCommand(lent) else { throw RefusedCommand(code: Status.invalid) }
        guard !hasEnded else { throw RefusedCommand(code: Status.state) }
        let size = command.sizeInBytes
        guard commands < Self.maximumCommands, size <= maximumBytes - bytes else {
            throw RefusedCommand(code: Status.limit)
        }
        try command.check()
        guard allows(command.value) else { throw RefusedCommand(code: Status.state) }
        note(command.value)
        commands += 1
        bytes += size
        return command
    }

    private func allows(_ command: gantry_command) -> Bool {
        switch Int(command.kind) {
        case GANTRY_CMD_FORGET, GANTRY_CMD_RESULT, GANTRY_CMD_ERROR: true
        case _ where isCancelled: false
        case GANTRY_CMD_HTTP: outstanding == nil
        case GANTRY_CMD_PULL: mayPull
        default: true
        }
    }

    private mutating func note(_ command: gantry_command) {
        switch Int(command.kind) {
        case GANTRY_CMD_HTTP: outstanding = command.request
        case GANTRY_CMD_PULL: mayPull = false
        case GANTRY_CMD_ABORT where command.request == outstanding: outstanding = nil
        case GANTRY_CMD_RESULT, GANTRY_CMD_ERROR: hasEnded = true
        default: break
        }
    }
}
