import HostCore
import HostPlugins
import HostRegistry
import Logging
import NIOCore

/// Looks after responses that are not wanted; those that are kept never change here.
struct ResponseCare: ObjectCare {
    let kind = ManagedObjectKind.response
    let tendsOpenObjects = false
    let plugins: PluginHost
    let clock: any WallClock
    let logger: Logger

    func tend(_ response: ManagedObject, isDue _: Bool) async throws -> ManagedObject { response }

    func undo(_ response: ManagedObject) async throws -> Bool {
        let served = plugins.current
        guard served.target(response.deployment) != nil else {
            guard served.failure(of: response.deployment) == nil else { return false }
            // It may be configured again, until the provider has dropped the response by itself.
            return response.state.expiresAt.map { $0 <= clock.now() } ?? true
        }
        try await remove(response, requestID: "sweep")
        return true
    }

    /// Removes a response at its provider; its record stays.
    ///
    /// - Parameters:
    ///   - response: What; one that the provider does not have counts as removed, and so does one of a deployment that is
    ///     not configured any more.
    ///   - requestID: Of the request, or the name of the work, that wants it.
    /// - Throws: ``DeploymentFailure``.
    func remove(_ response: ManagedObject, requestID: String) async throws {
        guard let providerID = response.providerID, let input = FileInput(id: providerID).json else { return }
        let served = plugins.current
        guard let target = served.target(response.deployment) else {
            if let failure = served.failure(of: response.deployment),
                let deployment = served.models.deployment(response.deployment)
            {
                throw DeploymentFailure(deployment: deployment, failure: failure)
            }
            logger.warning(
                "a response is left at a deployment that is not configured any more",
                metadata: [
                    "deployment.id": "\(response.deployment)", "response.uuid": "\(response.id.uuid.text)",
                    "response.provider_id": "\(providerID)",
                ]
            )
            return
        }
        do {
            let request = OperationRequest(.responseDelete, requestID: requestID, input: input)
            _ = try await plugins.run(request, on: response.deployment)
        } catch {
            if error.reason == .notFound { return }
            throw DeploymentFailure(deployment: target.deployment, failure: error)
        }
    }
}
