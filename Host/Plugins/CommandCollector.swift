import CGantryPlugin
import HostCore
import NIOCore

/// Receives the commands of one step: checks each against the ABI's rules, copies it, and keeps the order.
///
/// It belongs to one operation and is used by one step at a time.
final class CommandCollector {
    /// More commands than any sane step emits; a plugin over it is told to stop.
    private static let maximumCommands = 4096
    /// The most bytes one step may hand over, so that a loop of OUTPUT cannot fill the memory.
    private static let maximumBytes = 256 << 20

    private(set) var commands: [PluginCommand] = []
    private(set) var hasEnded = false
    /// The request that was sent and neither answered to its end nor aborted, as far as the plugin can know.
    var outstanding: UInt32?
    /// After CANCEL a plugin may only clean up its books.
    var isCancelled = false
    /// Whether the source may have another line and the plugin has not asked for it.
    var mayPull = false
    private var bytes = 0
    private let heads: RequestHeads?

    /// Makes a collector; `heads` are those of the requests that the operation's deployment has sent before.
    init(heads: RequestHeads? = nil) { self.heads = heads }

    /// Takes the commands of the step that has just returned.
    func take() -> [PluginCommand] {
        bytes = 0
        var taken: [PluginCommand] = []
        swap(&taken, &commands)
        return taken
    }

    /// Moves the commands of the step that has just returned behind others.
    func move(to queue: inout Queue<PluginCommand>) {
        bytes = 0
        queue.append(taking: &commands)
    }

    /// Takes the commands if they are one PULL and nothing else.
    func takeSolePull() -> Bool {
        guard commands.count == 1, case .pull = commands[0] else { return false }
        bytes = 0
        commands.removeAll(keepingCapacity: true)
        return true
    }

    /// Runs one call into the plugin with a sink that leads here.
    func withSink<R>(_ body: (UnsafePointer<gantry_sink>) -> R) -> R {
        withExtendedLifetime(self) {
            var sink = gantry_sink(
                size: UInt32(MemoryLayout<gantry_sink>.size),
                reserved: 0,
                ctx: Unmanaged.passUnretained(self).toOpaque(),
                emit: { context, command in
                    guard let context, let command else { return Status.invalid }
                    // The context is this object, which `withExtendedLifetime` above keeps for the whole call.
                    let collector = Unmanaged<CommandCollector>.fromOpaque(context).takeUnretainedValue()
                    return collector.receive(command)
                }
            )
            return body(&sink)
        }
    }

    private func receive(_ lent: UnsafePointer<gantry_command>) -> gantry_status {
        guard let command = LentCommand(lent) else { return Status.invalid }
        guard !hasEnded else { return Status.state }
        let size = command.sizeInBytes
        guard commands.count < Self.maximumCommands, size <= Self.maximumBytes - bytes else { return Status.limit }
        do {
            let status = accept(try command.decoded(heads))
            if status == Status.ok { bytes += size }
            return status
        } catch {
            return error.code
        }
    }

    private func accept(_ command: consuming PluginCommand) -> gantry_status {
        if isCancelled {
            switch command {
            case .journal(.forget), .result, .error: break
            default: return Status.state
            }
        }
        switch command {
        case .http(let http):
            guard outstanding == nil else { return Status.state }
            outstanding = http.request
        case .pull:
            guard mayPull else { return Status.state }
            mayPull = false
        case .abort(let request): if request == outstanding { outstanding = nil }
        case .result, .error: hasEnded = true
        default: break
        }
        commands.append(command)
        return Status.ok
    }
}

/// The ABI's status codes as Swift numbers.
enum Status {
    static let ok: gantry_status = 0
    static let unsupported = gantry_status(GANTRY_E_UNSUPPORTED)
    static let invalid = gantry_status(GANTRY_E_INVALID)
    static let state = gantry_status(GANTRY_E_STATE)
    static let limit = gantry_status(GANTRY_E_LIMIT)
    static let notFound = gantry_status(GANTRY_E_NOTFOUND)
    static let internalError = gantry_status(GANTRY_E_INTERNAL)
}

/// A status that stopped the decoding of a command.
struct RefusedCommand: Error {
    let code: gantry_status
}
