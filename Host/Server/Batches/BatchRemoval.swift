import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging

/// Removes what there is at providers of batches that are not wanted: such as one whose making was cut off.
struct BatchRemoval: Sendable {
    private static let clockSkewInSeconds: Int64 = 10

    let registry: Registry
    let plugins: PluginHost
    /// For so long after its maker was last alive, a batch may still come into being.
    let patience: Duration
    let clock: any WallClock
    let logger: Logger

    private var queries: BatchQueries { BatchQueries(plugins: plugins, requestID: "sweep") }

    /// Removes a batch.
    ///
    /// - Returns: Whether nothing is left; if not, it has to be looked at again.
    /// - Throws: ``OperationFailure``; ``RegistryError``.
    func remove(_ batch: ManagedObject) async throws -> Bool {
        guard let target = plugins.target(batch.deployment) else {
            logger.warning(
                "a batch stays at its provider until its deployment is configured again",
                metadata: ["deployment.id": "\(batch.deployment)", "object.uuid": "\(batch.id.uuid.text)"]
            )
            return false
        }
        if let id = batch.providerID { return try await remove(id, of: batch) }
        // Before its input was complete no provider was asked for it.
        guard let input = try await registry.hiddenCopy(batch.origin.derivedID), target.serves(.batchList) else {
            return true
        }
        let since = batch.createdAt.advanced(bySeconds: -Self.clockSkewInSeconds)
        let found = try await queries.search(for: batch, of: input, since: since)
        let unrecorded = try await registry.unrecorded(.batch, among: found)
        var isGone = true
        for id in unrecorded {
            if try await !remove(id, of: batch) { isGone = false }
        }
        return isGone && (!unrecorded.isEmpty || !mayStillCome(batch))
    }

    /// Cancels a batch, and deletes what it has made once it is over.
    private func remove(_ id: String, of batch: ManagedObject) async throws -> Bool {
        let report: ObjectResult
        do throws(OperationFailure) {
            report = try await queries.run(.batchGet, id, at: batch.deployment)
        } catch {
            guard error.reason == .notFound else { throw error }
            return true
        }
        guard BatchStatus(report.status)?.isTerminal == true else {
            if report.status != BatchStatus.cancelling.rawValue {
                _ = try await queries.run(.batchCancel, id, at: batch.deployment)
            }
            return false
        }
        for member in ["output_file_id", "error_file_id"] {
            guard case .string(let file)? = report.members[member] else { continue }
            try await delete(file, at: batch.deployment)
        }
        return true
    }

    private func delete(_ file: String, at deployment: DeploymentID) async throws(OperationFailure) {
        do throws(OperationFailure) {
            _ = try await plugins.run(queries.request(.fileDelete, FileInput(id: file)), on: deployment)
        } catch {
            guard error.reason == .notFound else { throw error }
        }
    }

    private func mayStillCome(_ batch: ManagedObject) -> Bool {
        let age = clock.now().secondsSince1970 - batch.state.updatedAt.secondsSince1970
        return (0..<patience.components.seconds).contains(age)
    }
}
