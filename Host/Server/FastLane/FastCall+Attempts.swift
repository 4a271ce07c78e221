import HostCore
import HostPlugins
import HostTransfer
import Logging
import NIOCore

/// Does what the plan says until a deployment begins to answer.
extension FastCall {
    /// Where a request can go.
    private enum Candidates {
        case found([Deployment])
        /// A provider did not give or take the files that the request needs.
        case failed(FanOutFailure)
    }

    /// Begins with the model that the client named.
    func attempt() throws {
        guard let modelCall else { return }
        askedModel = modelCall.modelName
        plan = AttemptPlan(model: modelCall.modelName, rules: modelCall.served.routing.retry, start: receivedAt)
        try choose()
    }

    private func follow(_ next: AttemptPlan.Next?) throws {
        switch next {
        case nil, .giveUp:
            throw failed ?? RuleError.noDeployment
        case .choose(let model, let pause):
            try after(pause) { this in
                try this.orFallBack(from: model) {
                    try this.modelCall?.turn(to: model)
                    try this.choose()
                }
            }
        case .attempt(let deployment, let pause): try after(pause) { try $0.start(on: deployment) }
        }
    }

    /// That another model cannot serve the request either is not what the client has to know.
    private func orFallBack(from model: String, _ step: () throws -> Void) throws {
        do {
            try step()
        } catch let error as RuleError where model != askedModel {
            maker.services.logger.debug("a fallback cannot serve a request", metadata: ["error": "\(error)"])
            try follow(plan?.refused())
        }
    }

    private func choose() throws {
        let services = maker.services
        let ready = try modelCall?.readyCandidates(services) ?? []
        if !ready.isEmpty { return try offer(.found(ready)) }
        guard let modelCall else { return }
        let callID = callID
        leave {
            var call = modelCall
            do {
                let filled = try await call.filledCandidates(services, callID: callID)
                return (call, Result<Candidates, RuleError>.success(.found(filled)))
            } catch let failure as FanOutFailure where failure.failure.mayFallBack || failure.failure.isRetryable {
                return (call, .success(.failed(failure)))
            } catch let error as RuleError {
                return (call, .failure(error))
            }
        } then: { this, outcome in
            this.modelCall = outcome.0
            try this.orFallBack(from: outcome.0.modelName) { try this.offer(try outcome.1.get()) }
        }
    }

    private func offer(_ candidates: Candidates) throws {
        switch candidates {
        case .found(let deployments):
            if overhead == nil { overhead = ContinuousClock.now - receivedAt }
            try follow(plan?.offered(deployments, isLastResort: modelCall?.isLastResort ?? false))
        case .failed(let failure):
            failed = failure
            try follow(plan?.refused())
        }
    }

    private func start(on deployment: Deployment) throws {
        let services = maker.services
        let now = services.clock.now()
        guard let lane, let modelCall else { return }
        var request = modelCall.operation(match.kind, on: deployment, callID: callID, now: now)
        request.isRetry = failed is DeploymentFailure
        self.deployment = deployment
        if match.kind == .responses {
            response = MadeResponse(
                by: modelCall.responseMaker,
                at: deployment.id,
                naming: request.references,
                requestID: callID,
                services,
                loop: loop
            )
        }
        let driver: OperationDriver
        do throws(OperationFailure) {
            driver = try services.plugins.operation(
                request,
                on: deployment.id,
                of: modelCall.served,
                loop: loop,
                client: self
            )
        } catch {
            return try makeUp(for: DeploymentFailure(deployment: deployment, failure: error))
        }
        self.driver = driver
        if !lane.isWritable { driver.pause() }
        guard !driver.start(mayWait: plan?.mayWaitForRoom ?? true) else { return }
        self.driver = nil
        try follow(plan?.foundNoRoom())
    }

    /// An attempt failed before anything was answered.
    func makeUp(for failure: DeploymentFailure) throws {
        guard let modelCall else { return }
        failed = failure
        guard failure.failure.mayBeForLackOfFile, modelCall.namesFiles else {
            return try makeUp(for: failure, hasLostFile: false)
        }
        let services = maker.services
        leave {
            var call = modelCall
            let hasLost = try await call.forgetLostCopies(after: failure, services)
            return (call, hasLost)
        } then: { this, outcome in
            this.modelCall = outcome.0
            try this.makeUp(for: failure, hasLostFile: outcome.1)
        }
    }

    private func makeUp(for failure: DeploymentFailure, hasLostFile: Bool) throws {
        var generator = SystemRandomNumberGenerator()
        let attempt = failure.attempt(hasLostFile: hasLostFile)
        try follow(plan?.failed(attempt, at: .now, using: &generator))
    }

    private func after(_ delay: Duration, _ step: @escaping (FastCall) throws -> Void) throws {
        guard delay > .zero else { return try step(self) }
        pause = loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { self.goOn { try step(self) } }
    }
}
