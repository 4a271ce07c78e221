import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import HostTransfer

/// Has something done to a batch or a job on behalf of its owner: cancel it, pause it, let it go on.
struct ObjectCommand: Sendable {
    let services: GatewayServices
    let care: PolledCare
    let callID: String

    private var form: any PolledKind { care.form }

    /// Asks the provider to cancel an object; one that is being cancelled, or has been, stays as it is.
    ///
    /// - Throws: ``GatewayError`` with 409 for an object that has ended otherwise; ``DeploymentFailure`` of the provider.
    func cancel(
        _ object: ManagedObject,
        for principal: Principal,
        _ requested: RequestedObject
    ) async throws -> ManagedObject {
        if object.state.status == "cancelled" { return object }
        if object.stage == .open, object.state.status == form.cancelling { return object }
        return try await run(form.cancelOperation, "cancel", object, for: principal, requested)
    }

    /// Asks the provider to do something to an object that has not ended.
    ///
    /// - Parameters:
    ///   - operation: What is asked for.
    ///   - verb: How messages and codes call it.
    ///   - object: As the registry had it.
    ///   - principal: Who asks, and may.
    ///   - requested: The object as the client named it.
    /// - Returns: The object as it is now.
    /// - Throws: ``GatewayError`` with 409 for an object that has ended; ``RuleError`` with `.unsupported`;
    ///   ``DeploymentFailure`` of the provider.
    func run(
        _ operation: OperationKind,
        _ verb: String,
        _ object: ManagedObject,
        for principal: Principal,
        _ requested: RequestedObject
    ) async throws -> ManagedObject {
        guard object.stage == .open else { throw refusal(object, verb) }
        let target = try services.target(of: object)
        guard let providerID = object.providerID, target.serves(operation) else {
            throw RuleError(
                .unsupported,
                "The provider of \(object.origin.modelName) cannot \(verb) a \(form.kind.noun).",
                parameter: form.kind.parameter
            )
        }
        let queries = ObjectQueries(plugins: services.plugins, requestID: callID)
        let report: ObjectResult
        do throws(OperationFailure) {
            report = try await queries.run(operation, providerID, at: object.deployment)
        } catch {
            let failure = DeploymentFailure(
                deployment: target.deployment,
                failure: error.renaming([providerID: requested.clientID])
            )
            guard error.reason == .conflict || error.reason == .invalid else { throw failure }
            // It has ended in the meantime: what it is like now says more than the refusal.
            let current = try await services.keeper.current(object, for: principal, requested)
            guard current.stage == .open else { throw refusal(current, verb) }
            throw failure
        }
        _ = try await care.note(report, of: object)
        return try await services.registry.object(requested, for: principal, action: .read)
    }

    private func refusal(_ object: ManagedObject, _ verb: String) -> GatewayError {
        let status = object.stage == .settling ? form.unsettledStatus : object.state.status
        let able = verb == "cancel" ? "cancellable" : verb == "pause" ? "pausable" : "resumable"
        return GatewayError(
            .conflict,
            code: "\(form.kind.rawValue)_not_\(able)",
            message: "Cannot \(verb) a \(form.kind.noun) with status '\(status)'."
        )
    }
}

extension GatewayServices {
    /// Where an object is.
    ///
    /// - Throws: ``RuleError`` with `.unsupported`.
    func target(of object: ManagedObject) throws(RuleError) -> PluginTarget {
        let served = plugins.current
        if let target = served.target(object.deployment) { return target }
        try served.checkWorks(object.deployment)
        let kind = object.id.kind
        throw RuleError(
            .unsupported,
            "The deployment of the \(kind.noun) is not configured any more.",
            parameter: kind.parameter
        )
    }
}
