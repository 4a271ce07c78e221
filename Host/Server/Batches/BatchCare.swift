import HostCore
import HostPlugins
import HostRegistry
import Logging

/// Looks after batches: asks their providers how they are, and ends those that are over.
struct BatchCare: ObjectCare {
    /// The completion window and a day.
    private static let longestLifeInSeconds: Int64 = 2 * 86_400

    let kind = ManagedObjectKind.batch
    let settling: BatchSettling
    let removal: BatchRemoval
    /// A provider that has no such batch is believed when it says so again after this time.
    let patience: Duration

    private var registry: Registry { settling.registry }
    private var plugins: PluginHost { settling.plugins }
    private var queries: BatchQueries { settling.queries }

    func tend(_ batch: ManagedObject, isDue: Bool) async throws -> ManagedObject {
        if batch.stage == .settling {
            if isDue { try await settling.goOn(batch, hasTime: !isTooOld(batch)) }
            return batch
        }
        guard let providerID = batch.providerID, let target = plugins.target(batch.deployment) else {
            if isDue { try await postpone(batch, "its deployment is not configured any more") }
            return batch
        }
        // Its rest is over before the batch is due for the second time; whoever wants to know gets what is known.
        if target.standing.rest != nil, !isTooOld(batch) { return batch }
        let report: ObjectResult
        do throws(OperationFailure) {
            report = try await queries.run(.batchGet, providerID, at: batch.deployment)
        } catch {
            if isDue { try await note(error, of: batch) }
            return batch
        }
        return try await note(report, of: batch)
    }

    func undo(_ batch: ManagedObject) async throws -> Bool { try await removal.remove(batch) }

    /// Writes down what a provider says of an open batch.
    ///
    /// - Returns: The batch as it is now.
    func note(_ report: ObjectResult, of batch: ManagedObject) async throws -> ManagedObject {
        var document = try ObjectDocument(batch.state.document)
        document.take(BatchObject.providerMembers, from: report)
        let status = BatchStatus(report.status)
        if status?.isTerminal == true {
            try await settling.begin(batch, report)
            return batch
        }
        if isTooOld(batch) {
            let what =
                status == nil
                ? "reports the state \(report.status.prefix(100)), which is not known" : "has not ended it"
            try await settling.fail(batch, "batch_not_finished", "The provider \(what), a day after its window.")
            return batch
        }
        // A word that nobody knows says nothing new.
        let word = status?.rawValue ?? batch.state.status
        let text = try document.text()
        guard word != batch.state.status || text != batch.state.document || batch.state.failures > 0 else {
            return batch
        }
        return try await registry.updateObject(batch.id, ObjectReport(status: word, document: text)) ?? batch
    }

    private func note(_ failure: OperationFailure, of batch: ManagedObject) async throws {
        guard failure.reason == .notFound else {
            return try await postpone(batch, failure.message, atLeast: failure.retryAfter)
        }
        if let since = batch.state.missingSince,
            settling.clock.now().secondsSince1970 - since.secondsSince1970 >= patience.components.seconds
        {
            return try await settling.fail(batch, "batch_lost", "The provider has no such batch any more.")
        }
        try await registry.postponeObject(batch, atLeast: patience, isMissing: true)
    }

    private func postpone(_ batch: ManagedObject, _ why: String, atLeast pause: Duration? = nil) async throws {
        if isTooOld(batch) {
            let message = "The provider could not be asked about it until a day after its window: \(why)"
            return try await settling.fail(batch, "batch_not_finished", message)
        }
        try await registry.postponeObject(batch, atLeast: pause)
    }

    private func isTooOld(_ batch: ManagedObject) -> Bool {
        settling.clock.now().secondsSince1970 - batch.createdAt.secondsSince1970 > Self.longestLifeInSeconds
    }
}
