import HostCore
import HostPlugins
import Logging

/// Removes one copy of a file at its provider, and notes that it is gone.
package struct CopyRemoval: Sendable {
    /// What became of a copy.
    package enum Outcome: Sendable {
        /// It is gone, at the provider and in the registry.
        case removed
        /// It has to be looked at again: nobody knows its id, its creation was cut off a moment ago, or its deployment
        /// is not configured.
        case left
    }

    let plugins: PluginHost
    let journal: any CopyJournal
    let clock: any WallClock
    /// For so long after its maker was last alive, a creation that was cut off may still become an object.
    let patience: Duration
    let logger: Logger

    /// Makes a removal.
    package init(
        plugins: PluginHost,
        journal: any CopyJournal,
        clock: any WallClock,
        patience: Duration,
        logger: Logger
    ) {
        self.plugins = plugins
        self.journal = journal
        self.clock = clock
        self.patience = patience
        self.logger = logger
    }

    /// Removes a copy; one that the provider does not have any more counts as removed.
    ///
    /// - Throws: ``FanOutFailure`` if the provider refuses or the registry cannot note it; a repeat goes on from there.
    package func remove(
        _ copy: FileCopy,
        of file: FileID,
        requestID: String
    ) async throws(FanOutFailure) -> Outcome {
        guard let id = copy.providerID else { return .left }
        guard let target = plugins.target(copy.deployment) else {
            logger.warning(
                "a copy stays at its provider until its deployment is configured again",
                metadata: ["deployment.id": "\(copy.deployment)", "file.uuid": "\(file.uuid.text)"]
            )
            return .left
        }
        try await delete(id, at: target.deployment, requestID: requestID)
        // Behind the deletion.
        if copy.state == .failed, mayStillCome(copy) { return .left }
        try await forget(file, at: target.deployment, providerID: id)
        return .removed
    }

    /// Whether a copy whose creation was cut off may still come into being.
    func mayStillCome(_ copy: FileCopy) -> Bool {
        // A clock that was put back says nothing about the age.
        let age = clock.now().secondsSince1970 - copy.updatedAt.secondsSince1970
        return (0..<patience.components.seconds).contains(age)
    }

    /// Deletes an object at a provider; one that is not there counts as deleted.
    func delete(_ id: String, at deployment: Deployment, requestID: String) async throws(FanOutFailure) {
        guard let input = FileInput(id: id).json else { preconditionFailure("text can be written as JSON") }
        do {
            _ = try await plugins.run(
                OperationRequest(.fileDelete, requestID: requestID, input: input),
                on: deployment.id
            )
        } catch {
            // What is not there needs no deleting.
            guard error.reason != .notFound else { return }
            throw FanOutFailure(deployment: deployment, failure: error)
        }
    }

    /// Notes that a copy is gone.
    func forget(
        _ file: FileID,
        at deployment: Deployment,
        providerID: String?
    ) async throws(FanOutFailure) {
        do {
            try await journal.forget(file, at: deployment.id, providerID: providerID)
        } catch {
            logger.error(
                "a deleted copy could not be journaled",
                metadata: ["deployment.id": "\(deployment.id)", "error": "\(error)"]
            )
            let failure = OperationFailure(.journalUnavailable, "The registry could not note the deletion. Try again.")
            throw FanOutFailure(deployment: deployment, failure: failure)
        }
    }
}
