import HostCore
import HostPlugins

/// A fan-out that goes on while its file still comes in.
///
/// Its length is a guess, so the last bytes stay here until ``finish(from:)`` says that it was right: a provider that is
/// cut off before has got a request that is not complete, and makes nothing of it. Each target reads at its own pace.
package final class CutThrough: Sendable {
    /// The record, with the length that was guessed.
    package let file: ManagedFile
    private let source: GrowingFile
    private let expiresIn: Int64?
    private let requestID: String
    private let fanOut: FileFanOut
    private let creation: CopyCreation
    private let existing: ProviderIDs
    private let share: CutThroughLimit.Share
    private let attempts: [(target: Deployment, task: Task<CopyCreation.Outcome, Never>)]

    init(
        _ fanOut: FileFanOut,
        _ creation: CopyCreation,
        _ file: ManagedFile,
        from source: GrowingFile,
        at targets: [Deployment],
        expiresIn: Int64?,
        requestID: String,
        share: CutThroughLimit.Share,
        whenRefused: @escaping @Sendable (FanOutFailure) -> Void
    ) {
        self.share = share
        self.fanOut = fanOut
        self.creation = creation
        self.file = file
        self.source = source
        self.expiresIn = expiresIn
        self.requestID = requestID
        let existing = ProviderIDs()
        self.existing = existing
        // Tasks of their own, which are waited for by whoever finishes or aborts: the caller's may be cancelled while it
        // reads from its client.
        let verdict = EarlyVerdict(targets)
        attempts = targets.map { target in
            let sent = WatchedSource(source)
            let request = CopyCreation.request(file, from: sent, expiresIn: expiresIn, requestID: requestID)
            let task = Task {
                let outcome = await creation.create(file, at: target, request, existing)
                // What was lost before its last bytes is early however late that is noticed.
                if source.progress.isWhole, sent.wasReadToEnd { return outcome }
                let early = Self.early(outcome)
                if let failure = verdict.note(early) { whenRefused(failure) }
                return early
            }
            return (target, task)
        }
    }

    /// Whether the file turned out to be what the targets were told.
    package func isFulfilled(by content: SpooledFile) -> Bool { content.sizeInBytes == source.sizeInBytes }

    /// Sends the rest and waits for every target; call it when the file is known to be what they were told.
    ///
    /// A target that was lost on the way gets the file once more, now that it is whole.
    ///
    /// - Throws: As ``FileFanOut/create(_:from:at:expiresIn:requestID:)``.
    package func finish(from content: SpooledFile) async throws(FanOutFailure) {
        source.progress.complete()
        let outcomes = await withTaskGroup(of: (Deployment, CopyCreation.Outcome).self) { group in
            for attempt in attempts {
                group.addTask { (attempt.target, await self.outcome(of: attempt.task, at: attempt.target, content)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        try await fanOut.conclude(file, outcomes, existing, requestID: requestID)
    }

    /// Cuts every target off and removes what there may be of the copies.
    package func abort() async {
        for attempt in attempts { attempt.task.cancel() }
        source.progress.abandon()
        var outcomes: [(Deployment, CopyCreation.Outcome)] = []
        for attempt in attempts { outcomes.append((attempt.target, await attempt.task.value)) }
        await fanOut.undo(file, outcomes, existing, requestID: requestID)
    }

    /// What became of an attempt that ended while the last bytes were still here.
    private static func early(_ outcome: CopyCreation.Outcome) -> CopyCreation.Outcome {
        // Whoever answers so early may have done anything.
        guard case .failed(let failed) = outcome, failed.failure.upstreamStatus == 0 else { return outcome }
        switch failed.failure.reason {
        case .cancelled, .upstreamTimeout, .upstreamUnavailable: return .cutOff(failed)
        default: return outcome
        }
    }

    private func outcome(
        of task: Task<CopyCreation.Outcome, Never>,
        at target: Deployment,
        _ content: SpooledFile
    ) async -> CopyCreation.Outcome {
        let first = await task.value
        // It may have been the client's pace, or a passing fault of the network. What an adapter could not undo is left to
        // the end: a second id for the copy could not be noted.
        guard case .cutOff = first, existing.id(at: target.id) == nil, !Task.isCancelled else { return first }
        let request = CopyCreation.request(file, from: content, expiresIn: expiresIn, requestID: requestID)
        return await Task { [self] in await creation.create(file, at: target, request, existing) }.value
    }
}
