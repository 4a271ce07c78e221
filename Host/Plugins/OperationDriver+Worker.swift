import CGantryPlugin
import HostCore
import HostPluginABI
import NIOCore
import NIOPosix

/// Steps of a plugin whose code is in workers: sent here, answered later on the same event loop.
///
/// While a step is under way `isStepping` holds, as it does for one on the thread pool.
extension OperationDriver {
    /// Sends an event; a large one is written on the thread pool.
    func step(_ operation: WorkerOperation, _ event: OperationEvent) {
        isStepping = true
        let (address, rules) = (operation.address, collector.rules)
        guard event.weightInBytes(of: request) > Self.heavyStepInBytes else {
            return send(
                address.message(event, request, rules, reusing: operation.channel.takeStorage()),
                to: operation
            )
        }
        let work = SendableStep(event: event, rules: rules)
        let request = request
        environment.pool.runIfActive(eventLoop: loop) { address.message(work.event, request, work.rules) }
            .assumeIsolated().whenComplete { outcome in
                switch outcome {
                case .success(let message) where !self.hasEnded && !operation.isLost: self.send(message, to: operation)
                case .success: self.stepWasNotTaken()
                case .failure:
                    self.stepWasNotTaken()
                    self.fail(OperationFailure(.internalError, "The gateway is shutting down."))
                }
                self.advance()
            }
    }

    private func send(_ message: consuming OutgoingMessage, to operation: WorkerOperation) {
        let limits = operation.channel.state.limits
        // The worker has the message twice while it puts its packets together, and the plugin its own form of it.
        guard !message.isTooLarge, message.bodyBytes <= limits.memoryInBytes / 4 else {
            stepWasNotTaken()
            let most = (limits.memoryInBytes / 4) >> 20
            let message = "A worker of \(target.deployment.plugin) takes \(most) MiB at a time: a quarter of memory_mb."
            return fail(OperationFailure(.tooLarge, message))
        }
        operation.send(message)
    }

    /// The worker has not seen the step.
    private func stepWasNotTaken() {
        isStepping = false
        if hasEnded { free() }
    }

    /// The worker's commands are in the collector.
    func workerStepped(status: gantry_status) {
        isStepping = false
        finishStep(status)
        advance()
    }

    /// The plugin refused to make the operation.
    func workerRefused(status: gantry_status) {
        isStepping = false
        forgetOperation()
        fail(refusedOperation(status))
        advance()
    }

    /// Copies the commands of a large answer on the thread pool.
    func decode(_ answer: [UInt8], from operation: WorkerOperation) {
        let work = SendableCollector(collector: collector)
        environment.pool.runIfActive(eventLoop: loop) { () throws -> gantry_status in
            try answer.withUnsafeBytes { body in
                var arrays = LentArrays()
                let answer = try SteppedMessage(body)
                try answer.forEachCommand(&arrays) { work.collector.receive($0) }
                return answer.status
            }
        }
        .assumeIsolated().whenComplete { outcome in
            switch outcome {
            case .success(let status): return self.workerStepped(status: status)
            case .failure(let error as WireError): operation.channel.fail(.garbage(error.description))
            case .failure: self.fail(OperationFailure(.internalError, "The gateway is shutting down."))
            }
            self.stepWasNotTaken()
            self.advance()
        }
    }

    /// The worker has ended.
    ///
    /// - Parameters:
    ///   - fault: Why the host ended it, if the host did.
    ///   - owedAnswer: Whether a step of this operation was under way there.
    ///   - isSuspect: Whether the worker may have ended because of that step.
    func workerEnded(_ fault: WorkerFault?, owedAnswer: Bool, isSuspect: Bool) {
        forgetOperation()
        if owedAnswer { isStepping = false }
        guard !hasEnded else { return }
        let what = "its worker \(fault?.text ?? "ended while the request was under way")"
        // Whoever may have brought it down is not given to the next one.
        fail(pluginFailure(what, mayTryAgain: !isSuspect))
        advance()
    }
}

/// A step on its way to the thread pool.
///
/// `@unchecked Sendable`: it consists of values that one thread at a time has.
private struct SendableStep: @unchecked Sendable {
    let event: OperationEvent
    let rules: EmissionRules
}

/// An operation's collector on its way to the thread pool.
///
/// `@unchecked Sendable`: while a step is under way the driver does not touch it (each use is behind `isStepping`).
private struct SendableCollector: @unchecked Sendable {
    let collector: CommandCollector
}
