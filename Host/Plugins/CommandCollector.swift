import CGantryPlugin
import HostPluginABI

/// Receives the commands of one step: checks each against the ABI's rules, copies it, and keeps the order.
///
/// It belongs to one operation and is used by one step at a time.
final class CommandCollector {
    private(set) var commands: [PluginCommand] = []
    /// What the next step may emit.
    private(set) var rules = EmissionRules()
    private let heads: RequestHeads?

    /// Makes a collector; `heads` are those of the requests that the operation's deployment has sent before.
    init(heads: RequestHeads? = nil) { self.heads = heads }

    /// Whether the operation has had its last command.
    var hasEnded: Bool { rules.hasEnded }
    /// The request that was sent and neither answered to its end nor aborted, as far as the plugin can know.
    var outstanding: UInt32? {
        get { rules.outstanding }
        set { rules.outstanding = newValue }
    }
    /// After CANCEL a plugin may only clean up its books.
    var isCancelled: Bool {
        get { rules.isCancelled }
        set { rules.isCancelled = newValue }
    }
    /// Whether the source may have another line and the plugin has not asked for it.
    var mayPull: Bool {
        get { rules.mayPull }
        set { rules.mayPull = newValue }
    }

    /// Takes the commands of the step that has just returned.
    func take() -> [PluginCommand] {
        rules.beginStep()
        var taken: [PluginCommand] = []
        swap(&taken, &commands)
        return taken
    }

    /// Moves the commands of the step that has just returned behind others.
    func move(to queue: inout Queue<PluginCommand>) {
        rules.beginStep()
        queue.append(taking: &commands)
    }

    /// Takes the commands if they are one PULL and nothing else.
    func takeSolePull() -> Bool {
        guard commands.count == 1, case .pull = commands[0] else { return false }
        rules.beginStep()
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

    /// Takes one command; the status is what `emit` returns for it.
    func receive(_ lent: UnsafePointer<gantry_command>) -> gantry_status {
        do throws(RefusedCommand) {
            commands.append(try LentCommand(try rules.admit(lent)).decoded(heads))
            return Status.ok
        } catch {
            return error.code
        }
    }
}
