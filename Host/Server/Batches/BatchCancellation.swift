import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import HostTransfer

/// Cancels a batch on behalf of its owner.
struct BatchCancellation: Sendable {
    let services: GatewayServices
    let callID: String

    /// Asks the provider to cancel a batch; one that is being cancelled, or has been, stays as it is.
    ///
    /// - Throws: ``GatewayError`` with 409 for a batch that has ended otherwise; ``DeploymentFailure`` of the provider.
    func cancel(
        _ batch: ManagedObject,
        for principal: Principal,
        _ requested: RequestedObject
    ) async throws -> ManagedObject {
        switch (batch.stage, BatchStatus(batch.state.status)) {
        case (_, .cancelled), (.open, .cancelling): return batch
        case (.settled, _), (.settling, _): throw Self.refusal(batch)
        default: break
        }
        guard let providerID = batch.providerID, let deployment = services.plugins.target(batch.deployment)?.deployment
        else {
            throw RuleError(.unsupported, "The batch's deployment is not configured any more.", parameter: "batch_id")
        }
        let queries = BatchQueries(plugins: services.plugins, requestID: callID)
        let report: ObjectResult
        do throws(OperationFailure) {
            report = try await queries.run(.batchCancel, providerID, at: batch.deployment)
        } catch  where error.reason == .conflict || error.reason == .invalid {
            // It has ended in the meantime: what it is like now says more than the refusal.
            let current = try await services.keeper.current(batch, for: principal, requested)
            guard current.stage == .open else { throw Self.refusal(current) }
            throw DeploymentFailure(deployment: deployment, failure: error)
        } catch {
            throw DeploymentFailure(deployment: deployment, failure: error)
        }
        _ = try await services.batchCare.note(report, of: batch)
        return try await services.registry.object(requested, for: principal, action: .read)
    }

    private static func refusal(_ batch: ManagedObject) -> GatewayError {
        let status = batch.stage == .settling ? BatchStatus.finalizing.rawValue : batch.state.status
        return GatewayError(
            .conflict,
            code: "batch_not_cancellable",
            message: "Cannot cancel a batch with status '\(status)'."
        )
    }
}
