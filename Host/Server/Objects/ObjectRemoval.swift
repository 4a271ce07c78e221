import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging

/// Removes what there is at providers of batches and jobs that are not wanted: such as one whose making was cut off.
struct ObjectRemoval: Sendable {
    private static let clockSkewInSeconds: Int64 = 10

    let settling: ObjectSettling
    /// For so long after its maker was last alive, an object may still come into being.
    let patience: Duration

    private var form: any PolledKind { settling.form }
    private var registry: Registry { settling.registry }
    private var plugins: PluginHost { settling.plugins }
    private var queries: ObjectQueries { ObjectQueries(plugins: plugins, requestID: "sweep") }

    /// Removes an object.
    ///
    /// - Returns: Whether nothing is left; if not, it has to be looked at again.
    /// - Throws: ``OperationFailure``; ``RegistryError``.
    func remove(_ object: ManagedObject) async throws -> Bool {
        guard let target = plugins.target(object.deployment) else {
            settling.logger.warning(
                "an object stays at its provider until its deployment is configured again",
                metadata: ["deployment.id": "\(object.deployment)", "object.uuid": "\(object.id.uuid.text)"]
            )
            return false
        }
        if let id = object.providerID { return try await remove(id, of: object) }
        // Before its input was complete no provider was asked for it.
        guard let input = try await form.input(of: object, in: settling), target.serves(form.listOperation) else {
            return true
        }
        let since = object.createdAt.advanced(bySeconds: -Self.clockSkewInSeconds)
        let found = try await queries.search(for: object, form, of: input, since: since)
        let unrecorded = try await registry.unrecorded(form.kind, among: found)
        var isGone = true
        for id in unrecorded {
            if try await !remove(id, of: object) { isGone = false }
        }
        return isGone && (!unrecorded.isEmpty || !mayStillCome(object))
    }

    /// Cancels an object, and deletes what it has made once it is over.
    private func remove(_ id: String, of object: ManagedObject) async throws -> Bool {
        let report: ObjectResult
        do throws(OperationFailure) {
            report = try await queries.run(form.getOperation, id, at: object.deployment)
        } catch {
            guard error.reason == .notFound else { throw error }
            return true
        }
        guard form.isTerminal(report.status) else {
            if report.status != form.cancelling {
                _ = try await queries.run(form.cancelOperation, id, at: object.deployment)
            }
            return false
        }
        for file in try await resultFiles(of: object, report) { try await delete(file, at: object.deployment) }
        return true
    }

    /// What an object has made.
    ///
    /// Where results have to be made files of, that also removes what the provider wrote: its bucket must not keep what
    /// nobody can reach.
    private func resultFiles(of object: ManagedObject, _ report: ObjectResult) async throws -> [String] {
        guard form.kind == .batch, let id = object.providerID,
            plugins.target(object.deployment)?.serves(.batchResults) == true
        else { return form.resultFiles(in: report) }
        let made = try await BatchResultReader(settling: settling, batch: object, report: report).results(id)
        return [made.outputFile?.id, made.errorFile?.id].compactMap { $0 }
    }

    private func delete(_ file: String, at deployment: DeploymentID) async throws(OperationFailure) {
        do throws(OperationFailure) {
            _ = try await plugins.run(queries.request(.fileDelete, FileInput(id: file)), on: deployment)
        } catch {
            guard error.reason == .notFound else { throw error }
        }
    }

    private func mayStillCome(_ object: ManagedObject) -> Bool {
        let age = settling.clock.now().secondsSince1970 - object.state.updatedAt.secondsSince1970
        return (0..<patience.components.seconds).contains(age)
    }
}
