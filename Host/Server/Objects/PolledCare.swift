import HostCore
import HostPlugins
import HostRegistry
import Logging

/// Looks after batches or jobs: asks their providers how they are, and ends those that are over.
struct PolledCare: ObjectCare {
    let settling: ObjectSettling
    let removal: ObjectRemoval
    /// A provider that has no such object is believed when it says so again after this time.
    let patience: Duration

    private static let mostFailures = 12

    var form: any PolledKind { settling.form }
    var kind: ManagedObjectKind { form.kind }
    private var registry: Registry { settling.registry }
    private var plugins: PluginHost { settling.plugins }
    private var queries: ObjectQueries { settling.queries }

    func tend(_ object: ManagedObject, isDue: Bool) async throws -> ManagedObject {
        if object.stage == .settling {
            if isDue { try await settling.goOn(object, hasTime: !isTooOld(object)) }
            return object
        }
        guard let providerID = object.providerID, let target = plugins.target(object.deployment) else {
            if isDue { try await postpone(object, "its deployment is not configured any more") }
            return object
        }
        // Its rest is over before the object is due for the second time; whoever wants to know gets what is known.
        if target.standing.rest != nil, !isTooOld(object) { return object }
        let report: ObjectResult
        do throws(OperationFailure) {
            report = try await queries.run(form.getOperation, providerID, at: object.deployment)
        } catch {
            if isDue { try await note(error, of: object) }
            return object
        }
        return try await note(report, of: object)
    }

    func undo(_ object: ManagedObject) async throws -> Bool { try await removal.remove(object) }

    /// Writes down what a provider says of an open object.
    ///
    /// - Returns: The object as it is now.
    func note(_ report: ObjectResult, of object: ManagedObject) async throws -> ManagedObject {
        var document = try ObjectDocument(object.state.document)
        document.take(form.providerMembers, from: report)
        if form.isTerminal(report.status) {
            try await settling.begin(object, report)
            return object
        }
        let isKnown = form.isKnown(report.status)
        if isTooOld(object) {
            await stop(object)
            let what =
                isKnown ? "has not ended it" : "reports the state \(report.status.prefix(100)), which is not known"
            try await settling.fail(object, "not_finished", "The provider \(what), long after it should have.")
            return object
        }
        // A word that nobody knows says nothing new.
        let word = isKnown ? report.status : object.state.status
        let text = try document.text()
        guard word != object.state.status || text != object.state.document || object.state.failures > 0 else {
            return object
        }
        return try await registry.updateObject(object.id, ObjectReport(status: word, document: text)) ?? object
    }

    /// What is given up here must not go on at its provider, where nobody could stop it any more.
    private func stop(_ object: ManagedObject) async {
        guard let id = object.providerID else { return }
        do throws(OperationFailure) {
            _ = try await queries.run(form.cancelOperation, id, at: object.deployment)
        } catch {
            settling.logger.warning(
                "an object that is given up could not be cancelled",
                metadata: [
                    "object.uuid": "\(object.id.uuid.text)", "deployment.id": "\(object.deployment)",
                    "error": "\(error)",
                ]
            )
        }
    }

    private func note(_ failure: OperationFailure, of object: ManagedObject) async throws {
        // This host is about to stop; the object is due again as it was.
        guard failure.reason != .cancelled else { return }
        guard failure.reason == .notFound else {
            return try await postpone(object, failure.message, atLeast: failure.retryAfter)
        }
        if let since = object.state.missingSince,
            settling.clock.now().secondsSince1970 - since.secondsSince1970 >= patience.components.seconds
        {
            return try await settling.fail(object, "lost", "The provider has no such \(kind.noun) any more.")
        }
        try await registry.postponeObject(object, atLeast: patience, isMissing: true)
    }

    private func postpone(_ object: ManagedObject, _ why: String, atLeast pause: Duration? = nil) async throws {
        // An object that nobody asked about for days is not given up for the first failure.
        if isTooOld(object), object.state.failures >= Self.mostFailures {
            let message = "The provider could not be asked about it until long after it should have ended: \(why)"
            return try await settling.fail(object, "not_finished", message)
        }
        try await registry.postponeObject(object, atLeast: pause)
    }

    private func isTooOld(_ object: ManagedObject) -> Bool { form.isTooOld(object, at: settling.clock.now()) }
}
