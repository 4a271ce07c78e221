import CGantryPlugin
import HostPluginABI

/// Takes what a plugin emits.
///
/// While an operation steps its commands are written into the answer; while an instance or a target is made only the
/// first ERROR is kept.
final class PluginSink {
    private static let maximumReasonBytes = 8192

    private let maximumBytes: Int
    private var rules: EmissionRules
    private var writer: SteppedWriter?
    private var reason: (message: String, parameter: String)?

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
        rules = EmissionRules(maximumBytes: maximumBytes)
    }

    /// Collects the commands of one step.
    ///
    /// - Parameters:
    ///   - step: What the host says of the operation's state.
    ///   - storage: Memory for the answer.
    ///   - body: The call into the plugin.
    /// - Returns: The answer, not yet finished, and what `body` returned.
    func collect<R>(
        _ step: StepMessage,
        reusing storage: consuming [UInt8],
        _ body: (UnsafePointer<gantry_sink>) -> R
    ) -> (SteppedWriter, R) {
        rules = EmissionRules(maximumBytes: maximumBytes)
        step.apply(to: &rules)
        writer = SteppedWriter(operation: step.operation, reusing: storage)
        let result = withSink(body)
        let finished = writer ?? SteppedWriter(operation: step.operation)
        writer = nil
        return (finished, result)
    }

    /// Makes something with a call into the plugin, or says why it was refused.
    func explain(
        _ body: (UnsafePointer<gantry_sink>) -> gantry_status
    ) throws(RefusedMessage) {
        rules = EmissionRules(maximumBytes: maximumBytes)
        (writer, reason) = (nil, nil)
        let status = withSink(body)
        guard status != Status.ok else { return }
        throw RefusedMessage(
            .configurationRefused,
            reason?.message ?? "",
            status: status,
            parameter: reason?.parameter ?? ""
        )
    }

    private func withSink<R>(_ body: (UnsafePointer<gantry_sink>) -> R) -> R {
        withExtendedLifetime(self) {
            var sink = gantry_sink(
                size: UInt32(MemoryLayout<gantry_sink>.size),
                reserved: 0,
                ctx: Unmanaged.passUnretained(self).toOpaque(),
                emit: { context, command in
                    guard let context, let command else { return Status.invalid }
                    // The context is this object, which `withExtendedLifetime` above keeps for the whole call.
                    return Unmanaged<PluginSink>.fromOpaque(context).takeUnretainedValue().receive(command)
                }
            )
            return body(&sink)
        }
    }

    private func receive(_ lent: UnsafePointer<gantry_command>) -> gantry_status {
        do throws(RefusedCommand) {
            let command = try rules.admit(lent)
            if writer != nil {
                writer?.append(command.value)
            } else if Int(command.value.kind) == GANTRY_CMD_ERROR, reason == nil {
                reason = (
                    String(lent: command.value.data.prefix(Self.maximumReasonBytes)),
                    String(lent: command.value.text.prefix(Self.maximumReasonBytes))
                )
            }
            return Status.ok
        } catch {
            return error.code
        }
    }
}
