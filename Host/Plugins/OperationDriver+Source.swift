import CGantryPlugin
import HostCore
import Logging
import NIOCore

/// The source's lines are read and given to the plugin on the thread pool.
extension OperationDriver {
    /// What a line counts at least, so that one turn does not take too many short ones.
    private static let leastLineInBytes = 256

    /// Reads the source's next lines and has the plugin take them, for as long as it wants nothing but the next one.
    func deliverLines() {
        guard case .local(let operation) = operation, let lines = request.lines else { return }
        let step = HeavyStep(operation: operation, event: .source, collector: collector)
        let request = request
        runOnPool {
            var size = 0
            while true {
                let event: OperationEvent
                do {
                    switch try lines.next() {
                    case .line(let line):
                        event = .line(line)
                        size += line.bytes.readableBytes + Self.leastLineInBytes
                    case .nothingYet: return .foundNoLine
                    case .end: event = .sourceEnd
                    }
                } catch {
                    return .sourceFailed(error)
                }
                if case .line = event { step.collector.mayPull = true }
                let status = step.operation.step(event, request, step.collector)
                guard status == Status.ok, size < Self.heavyStepInBytes, step.collector.takeSolePull() else {
                    return .stepped(status)
                }
            }
        }
    }

    /// Looks for the next line again.
    func lookOn() {
        if isCancelled { collector.isCancelled = true }
        enqueue(.source)
    }

    /// Ends the operation, for its source cannot be read or is against the rules.
    func failSource(_ error: any Error) {
        // Whoever has gone is told nothing more; the plugin still is.
        guard !isCancelled else {
            collector.isCancelled = true
            return
        }
        target.instance.logger.warning(
            "an operation's source failed",
            metadata: ["deployment.id": "\(target.deployment.id)", "failure": "\(error)"]
        )
        fail(OperationFailure(source: error))
    }
}

/// What came of a turn on the thread pool.
enum StepOutcome: Sendable {
    case stepped(gantry_status)
    /// The plugin has not been called.
    case foundNoLine
    case sourceFailed(any Error)
}

/// A step on its way to the thread pool.
///
/// `@unchecked Sendable`: while a step runs there, the driver neither steps nor frees the operation nor touches the
/// collector (each use is behind `isStepping`), so that one thread at a time has them.
struct HeavyStep: @unchecked Sendable {
    let operation: LocalOperation
    let event: OperationEvent
    let collector: CommandCollector
}
