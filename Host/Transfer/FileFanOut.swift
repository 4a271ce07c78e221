import HostCore
import HostPlugins
import Logging
import NIOCore
import Synchronization

/// The provider that made a fan-out fail, and why.
package struct FanOutFailure: Error, CustomStringConvertible {
    package let deployment: Deployment
    package let failure: OperationFailure

    package var description: String { "\(deployment.id): \(failure)" }
}

/// Makes and removes the copies of a file at several providers at once.
///
/// Everything that exists is journaled before the next step; a failed fan-out is undone before it is reported.
package struct FileFanOut: Sendable {
    /// Undoing is worth several tries: what it leaves is an orphan until a sweep finds it.
    private static let pausesBetweenDeletes: [Duration] = [.milliseconds(200), .seconds(1)]

    private let plugins: PluginHost
    private let journal: any CopyJournal
    private let logger: Logger

    /// Makes a fan-out.
    package init(plugins: PluginHost, journal: any CopyJournal, logger: Logger) {
        self.plugins = plugins
        self.journal = journal
        self.logger = logger
    }

    /// Creates a copy at every target, all at the same time.
    ///
    /// What was begun is always waited for, even when another target has failed or the caller's client has left: a
    /// provider that is cut off may have created an object whose id nobody would ever learn.
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
        guard let input = Self.input(for: file, expiresIn: expiresIn).json else {
            preconditionFailure("text, numbers and nothing else can be written as JSON")
        }
        let request = OperationRequest(.fileCreate, requestID: requestID, input: input, source: source)
        let existing = ProviderIDs()
        // A task of its own, which is waited for: the caller's may be cancelled at any moment.
        let failed = await Task {
            await withTaskGroup(of: FanOutFailure?.self) { group in
                for target in targets {
                    group.addTask { await createCopy(of: file, at: target, request, existing) }
                }
                return await group.reduce(nil) { $0 ?? $1 }
            }
        }.value
        guard let failure = failed ?? abandonment(of: targets) else { return }
        await undo(file, at: targets, existing, requestID: requestID)
        throw failure
    }

    /// The failure of a fan-out whose client left while it went on: nobody knows the file, so nobody may keep it.
    private func abandonment(of targets: [Deployment]) -> FanOutFailure? {
        guard Task.isCancelled, let target = targets.first else { return nil }
        let failure = OperationFailure(.cancelled, "The client went away before the upload was complete.")
        return FanOutFailure(deployment: target, failure: failure)
    }

    /// Deletes every copy; one that the provider does not have any more counts as deleted.
    ///
    /// - Throws: ``FanOutFailure`` if a copy could not be deleted; a repeat goes on with what is left.
    package func delete(_ file: ManagedFile, requestID: String) async throws(FanOutFailure) {
        let failed = await withTaskGroup(of: FanOutFailure?.self) { group in
            for copy in file.copies {
                group.addTask { await deleteCopy(copy, of: file, requestID: requestID) }
            }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        if let failed { throw failed }
    }

    private static func input(for file: ManagedFile, expiresIn: Int64?) -> FileCreateInput {
        FileCreateInput(
            filename: file.filename,
            mimeType: file.mimeType,
            purpose: file.purpose.rawValue,
            bytes: file.sizeInBytes,
            sha256: file.sha256,
            name: file.id.uuid.text,
            expiresIn: expiresIn
        )
    }

    private func createCopy(
        of file: ManagedFile,
        at target: Deployment,
        _ request: OperationRequest,
        _ existing: ProviderIDs
    ) async -> FanOutFailure? {
        do {
            let result = try await plugins.run(request, on: target.id) { [journal] entry in
                switch entry {
                case .remember(_, let id):
                    existing.note(id, at: target.id)
                    try await journal.remember(file.id, at: target.id, providerID: id)
                case .forget:
                    existing.note(nil, at: target.id)
                    try await journal.forget(file.id, at: target.id)
                }
            }
            let created = try FileResult(result)
            existing.note(created.id, at: target.id)
            let expiresAt = created.expiresAt.map(UnixTime.init(secondsSince1970:))
            try await journal.complete(file.id, at: target.id, providerID: created.id, expiresAt: expiresAt)
            return nil
        } catch let failure as OperationFailure {
            return FanOutFailure(deployment: target, failure: failure)
        } catch {
            logger.error(
                "a copy could not be journaled",
                metadata: ["deployment.id": "\(target.id)", "error": "\(error)"]
            )
            let failure = OperationFailure(.journalUnavailable, "The registry could not note the copy. Try again.")
            return FanOutFailure(deployment: target, failure: failure)
        }
    }

    /// Removes what a failed fan-out has created.
    ///
    /// It runs in a task of its own, which is waited for: the caller's may have been cancelled because its client left,
    /// and what exists must go all the same.
    private func undo(
        _ file: ManagedFile,
        at targets: [Deployment],
        _ existing: ProviderIDs,
        requestID: String
    ) async {
        await Task {
            await withTaskGroup(of: Void.self) { group in
                for target in targets {
                    group.addTask { await undoCopy(of: file, at: target, existing, requestID: requestID) }
                }
            }
        }.value
    }

    private func undoCopy(
        of file: ManagedFile,
        at target: Deployment,
        _ existing: ProviderIDs,
        requestID: String
    ) async {
        let copy = FileCopy(
            deployment: target.id,
            providerID: existing.id(at: target.id),
            state: .deleting,
            expiresAt: nil
        )
        for pause in Self.pausesBetweenDeletes + [.zero] {
            if await deleteCopy(copy, of: file, requestID: requestID) == nil { return }
            do { try await Task.sleep(for: pause) } catch { break }
        }
        logger.warning(
            "a copy could not be undone and is left to the next delete",
            metadata: ["deployment.id": "\(target.id)"]
        )
    }

    private func deleteCopy(_ copy: FileCopy, of file: ManagedFile, requestID: String) async -> FanOutFailure? {
        do {
            if let id = copy.providerID, let target = plugins.target(copy.deployment) {
                try await deleteAtProvider(id, at: target.deployment, requestID: requestID)
            } else if copy.providerID != nil {
                logger.warning(
                    "a copy's deployment is not configured any more: its object stays at the provider",
                    metadata: ["deployment.id": "\(copy.deployment)", "provider.id": "\(copy.providerID ?? "")"]
                )
            }
            try await journal.forget(file.id, at: copy.deployment)
            return nil
        } catch let failure as FanOutFailure {
            return failure
        } catch {
            logger.error(
                "a deleted copy could not be journaled",
                metadata: ["deployment.id": "\(copy.deployment)", "error": "\(error)"]
            )
            guard let target = plugins.target(copy.deployment) else { return nil }
            let failure = OperationFailure(.journalUnavailable, "The registry could not note the deletion. Try again.")
            return FanOutFailure(deployment: target.deployment, failure: failure)
        }
    }

    private func deleteAtProvider(
        _ id: String,
        at deployment: Deployment,
        requestID: String
    ) async throws(FanOutFailure) {
        guard let input = FileInput(id: id).json else {
            preconditionFailure("text can be written as JSON")
        }
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
}

/// What is known to exist at the targets of one fan-out.
private final class ProviderIDs: Sendable {
    private let ids = Mutex<[DeploymentID: String]>([:])

    func note(_ id: String?, at deployment: DeploymentID) { ids.withLock { $0[deployment] = id } }
    func id(at deployment: DeploymentID) -> String? { ids.withLock { $0[deployment] } }
}
