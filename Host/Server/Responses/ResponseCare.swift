import HostCore
import HostPlugins
import HostRegistry
import Logging
import NIOCore

extension GatewayServices {
    /// Removes a response at its provider; its record stays.
    ///
    /// - Parameters:
    ///   - response: What to remove; one that the provider does not have counts as removed.
    ///   - requestID: Of the request, or the name of the work, that wants it.
    /// - Throws: ``DeploymentFailure``.
    func remove(response: ManagedObject, requestID: String) async throws {
        guard let providerID = response.providerID, let input = FileInput(id: providerID).json else { return }
        guard let target = plugins.target(response.deployment) else {
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
