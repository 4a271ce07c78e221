import HostCore
import HostPlugins
import Logging
import NIOCore

/// Makes and removes the copies of a file at several providers at once.
///
/// Everything that exists is journaled before the next step; a failed fan-out is undone before it is reported.
package struct FileFanOut: Sendable {
    private let creation: CopyCreation
    private let removal: CopyRemoval
    private let cutThroughLimit = CutThroughLimit(64)

    /// Makes a fan-out.
    package init(removal: CopyRemoval) {
        self.removal = removal
        creation = CopyCreation(removal: removal)
    }

    /// Creates a copy at every target, all at the same time.
    ///
    /// What was begun is always waited for, even when another target has failed or the caller's client has left: a
    /// provider that is cut off may have created an object whose id nobody would ever learn.
    ///
    /// A target that is out of order fails the file only if no other of its model could be served: the model can be used,
    /// and the copy is made when it is wanted.
    ///
    /// - Parameters:
    ///   - file: The record, whose intents the registry already holds.
    ///   - source: The content.
    ///   - targets: Where the copies go, each once.
    ///   - expiresIn: Seconds after which the providers may drop the copies.
    ///   - requestID: For the plugins' log lines.
    /// - Throws: ``FanOutFailure`` of the first target that failed, after the others were undone.
    package func create(
        _ file: ManagedFile,
        from source: any RandomAccessFile,
        at targets: [Deployment],
        expiresIn: Int64?,
        requestID: String
    ) async throws(FanOutFailure) {
        try await create(file, at: targets, requestID: requestID) {
            CopyCreation.request(file, from: source, expiresIn: expiresIn, requestID: requestID)
        }
    }

    /// Creates a copy at every target by an operation that answers as FILE_CREATE does.
    ///
    /// - Parameters:
    ///   - file: The record, whose intents the registry already holds.
    ///   - targets: Where the copies go, each once.
    ///   - requestID: For the plugins' log lines.
    ///   - request: Makes the operation, anew for each target: no two objects have the same name.
    /// - Throws: ``FanOutFailure`` of the first target that failed, after the others were undone.
    package func create(
        _ file: ManagedFile,
        at targets: [Deployment],
        requestID: String,
        by request: () -> OperationRequest
    ) async throws(FanOutFailure) {
        let existing = ProviderIDs()
        let requests = targets.map { ($0, request()) }
        // A task of its own, which is waited for: the caller's may be cancelled at any moment.
        let outcomes = await Task { [creation] in
            await withTaskGroup(of: (Deployment, CopyCreation.Outcome).self) { group in
                for (target, request) in requests {
                    group.addTask { (target, await creation.create(file, at: target, request, existing)) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }.value
        try await conclude(file, outcomes, existing, requestID: requestID)
    }

    /// Begins to create a copy at every target while the file still comes in; see ``CutThrough``.
    ///
    /// - Parameters:
    ///   - source: The content as it comes.
    ///   - targets: Where the copies go, each once.
    ///   - expiresIn: Seconds after which the providers may drop the copies.
    ///   - requestID: For the plugins' log lines.
    ///   - whenRefused: Called, perhaps more than once, as soon as a target has failed in a way that fails the file: what
    ///     is left to do then is to abort.
    ///   - record: Makes the record, with its intents, before any provider is asked; nil if there shall be none.
    /// - Returns: What has to be finished or aborted; nil if the file has to come in first, since there is no record or
    ///   too many others are sent on already.
    /// - Throws: What making the record throws.
    package func begin(
        from source: GrowingFile,
        at targets: [Deployment],
        expiresIn: Int64?,
        requestID: String,
        whenRefused: @escaping @Sendable (FanOutFailure) -> Void,
        record: () async throws -> ManagedFile?
    ) async throws -> CutThrough? {
        guard let share = cutThroughLimit.share(), let file = try await record() else { return nil }
        return CutThrough(
            self,
            creation,
            file,
            from: source,
            at: targets,
            expiresIn: expiresIn,
            requestID: requestID,
            share: share,
            whenRefused: whenRefused
        )
    }

    /// Removes what must not stay of a fan-out, and tells how it ended.
    func conclude(
        _ file: ManagedFile,
        _ outcomes: [(Deployment, CopyCreation.Outcome)],
        _ existing: ProviderIDs,
        requestID: String
    ) async throws(FanOutFailure) {
        let failure = Self.decisiveFailure(of: outcomes) ?? Self.abandonment(of: outcomes.map(\.0))
        let undone = failure == nil ? outcomes.filter { $0.1.failure != nil } : outcomes
        await undo(file, undone, existing, requestID: requestID)
        if let failure { throw failure }
    }

    /// Deletes every copy; one that the provider does not have any more counts as deleted.
    ///
    /// A copy whose id nobody knows, or whose deployment is not configured, is left: see ``Sweeper``.
    ///
    /// - Throws: ``FanOutFailure`` if a copy could not be deleted; a repeat goes on with what is left.
    package func delete(_ file: ManagedFile, requestID: String) async throws(FanOutFailure) {
        let failed = await withTaskGroup(of: FanOutFailure?.self) { group in
            for copy in file.copies {
                group.addTask { [removal] in
                    do throws(FanOutFailure) {
                        _ = try await removal.remove(copy, of: file.id, requestID: requestID)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        if let failed { throw failed }
    }

    /// The failure that the file cannot do without.
    private static func decisiveFailure(of outcomes: [(Deployment, CopyCreation.Outcome)]) -> FanOutFailure? {
        let served = Set(outcomes.filter { $0.1.failure == nil }.map(\.0.modelName))
        return outcomes.compactMap(\.1.failure).first { failed in
            !failed.failure.isOutage || !served.contains(failed.deployment.modelName)
        }
    }

    /// The failure of a fan-out whose client left while it went on: nobody knows the file, so nobody may keep it.
    private static func abandonment(of targets: [Deployment]) -> FanOutFailure? {
        guard Task.isCancelled, let target = targets.first else { return nil }
        let failure = OperationFailure(.cancelled, "The client went away before the upload was complete.")
        return FanOutFailure(deployment: target, failure: failure)
    }

    /// Removes copies of a fan-out.
    ///
    /// It runs in a task of its own, which is waited for: the caller's may have been cancelled because its client left,
    /// and what exists must go all the same.
    func undo(
        _ file: ManagedFile,
        _ outcomes: [(Deployment, CopyCreation.Outcome)],
        _ existing: ProviderIDs,
        requestID: String
    ) async {
        await Task { [creation] in
            await withTaskGroup(of: Void.self) { group in
                for (target, outcome) in outcomes {
                    group.addTask { await creation.undo(file, at: target, outcome, existing, requestID: requestID) }
                }
            }
        }.value
    }
}
