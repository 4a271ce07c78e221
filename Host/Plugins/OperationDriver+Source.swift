import CGantryPlugin
import HostCore
import HostPluginABI
import Logging
import NIOCore
import NIOPosix

/// The source's lines are read and given to the plugin on the thread pool.
extension OperationDriver {
    /// What a line counts at least, so that one turn does not take too many short ones.
    private static let leastLineInBytes = 256

    /// Reads the source's next lines and has the plugin take them, for as long as it wants nothing but the next one.
    func deliverLines() {
        guard let lines = request.lines else { return }
        switch operation {
        case .local(let operation): deliverLines(of: lines, to: operation)
        case .worker(let operation): deliverLine(of: lines, to: operation)
        case nil: return
        }
    }

    private func deliverLines(of lines: any SourceLines, to operation: LocalOperation) {
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

    /// Sends the next line to the worker; some are read at a time, for each look for them costs a change of threads.
    private func deliverLine(of lines: any SourceLines, to operation: WorkerOperation) {
        switch operation.readAhead.popFirst() {
        case .line(let line):
            collector.mayPull = true
            step(operation, .line(line))
        case .end: step(operation, .sourceEnd)
        case .failed(let error): failSource(error)
        case nil:
            isStepping = true
            environment.pool.runIfActive(eventLoop: loop) { Self.read(lines) }
                .assumeIsolated().whenComplete { outcome in
                    self.isStepping = false
                    switch outcome {
                    case _ where self.hasEnded: self.free()
                    case .success(let read):
                        for piece in read { operation.readAhead.append(piece) }
                        self.lookOn()
                    case .failure: self.fail(OperationFailure(.internalError, "The gateway is shutting down."))
                    }
                    self.advance()
                }
        }
    }

    /// Reads about as much as a heavy step takes; less if there is no more for now.
    private static func read(_ lines: any SourceLines) -> [SourceRead] {
        var read: [SourceRead] = []
        var size = 0
        while size < heavyStepInBytes {
            do {
                switch try lines.next() {
                case .line(let line):
                    read.append(.line(line))
                    size += line.bytes.readableBytes + leastLineInBytes
                case .nothingYet: return read
                case .end: return read + [.end]
                }
            } catch {
                return read + [.failed(error)]
            }
        }
        return read
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

/// What was found in a source.
enum SourceRead: Sendable {
    case line(SourceLine)
    case end
    case failed(any Error)
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
