import HostCore
import HostPlugins
import Logging

/// Makes one copy of a file at a provider, and journals every step of it.
struct CopyCreation: Sendable {
    /// What became of a copy.
    enum Outcome: Sendable {
        case made
        case failed(FanOutFailure)
        /// The provider was cut off before it had all of the request, so it has made nothing of it.
        case cutOff(FanOutFailure)

        var failure: FanOutFailure? {
            switch self {
            case .made: nil
            case .failed(let failure), .cutOff(let failure): failure
            }
        }

        /// Whether there may be something that nobody knows the id of.
        fileprivate var mayHaveLeftSomething: Bool {
            switch self {
            case .made: true
            case .failed(let failure): failure.failure.mayHaveActed
            case .cutOff: false
            }
        }
    }

    /// Undoing is worth several tries: what it leaves is an orphan until a sweep finds it.
    private static let pausesBetweenRemovals: [Duration] = [.milliseconds(200), .seconds(1)]

    let removal: CopyRemoval
    private var plugins: PluginHost { removal.plugins }
    private var journal: any CopyJournal { removal.journal }
    private var logger: Logger { removal.logger }

    /// What FILE_CREATE is asked for.
    static func input(for file: ManagedFile, expiresIn: Int64?) -> FileCreateInput {
        FileCreateInput(
            filename: file.filename,
            mimeType: file.mimeType,
            purpose: file.purpose.rawValue,
            bytes: file.sizeInBytes,
            sha256: file.sha256,
            name: file.newObjectName(),
            expiresIn: expiresIn
        )
    }

    /// The operation that makes one copy.
    static func request(
        _ file: ManagedFile,
        from source: any RandomAccessFile,
        expiresIn: Int64?,
        requestID: String
    ) -> OperationRequest {
        guard let input = input(for: file, expiresIn: expiresIn).json else {
            preconditionFailure("text and numbers can be written as JSON")
        }
        return OperationRequest(.fileCreate, requestID: requestID, input: input, source: source)
    }

    /// Asks a provider for a copy whose intent the registry already holds.
    func create(
        _ file: ManagedFile,
        at target: Deployment,
        _ request: OperationRequest,
        _ existing: ProviderIDs
    ) async -> Outcome {
        do {
            let result = try await plugins.run(request, on: target.id) { [journal] entry in
                switch entry {
                case .remember(_, let id):
                    existing.note(id, at: target.id)
                    try await journal.remember(file.id, at: target.id, providerID: id)
                case .forget(_, let id):
                    existing.note(nil, at: target.id)
                    try await journal.forget(file.id, at: target.id, providerID: id)
                }
            }
            let created = try FileResult(result)
            existing.note(created.id, at: target.id)
            let expiresAt = created.expiresAt.map(UnixTime.init(secondsSince1970:))
            try await journal.complete(file.id, at: target.id, providerID: created.id, expiresAt: expiresAt)
            return .made
        } catch let failure as OperationFailure {
            return .failed(FanOutFailure(deployment: target, failure: failure))
        } catch {
            logger.error(
                "a copy could not be journaled",
                metadata: ["deployment.id": "\(target.id)", "error": "\(error)"]
            )
            let failure = OperationFailure(.journalUnavailable, "The registry could not note the copy. Try again.")
            return .failed(FanOutFailure(deployment: target, failure: failure))
        }
    }

    /// Removes what a creation has made or may have made; what cannot be removed now is left to a sweep.
    func undo(
        _ file: ManagedFile,
        at target: Deployment,
        _ outcome: Outcome,
        _ existing: ProviderIDs,
        requestID: String
    ) async {
        do {
            if let id = existing.id(at: target.id) {
                try await remove(id, of: file, at: target, requestID: requestID)
            } else if !outcome.mayHaveLeftSomething {
                try await journal.forget(file.id, at: target.id, providerID: nil)
            } else {
                try await journal.giveUp(file.id, at: target.id, providerID: nil)
            }
        } catch {
            // The record of the copy says that it may exist: that is what a sweep goes by.
            logger.warning(
                "a copy could not be undone and is left to the next sweep",
                metadata: [
                    "deployment.id": "\(target.id)", "provider.id": "\(existing.id(at: target.id) ?? "-")",
                    "error": "\(error)",
                ]
            )
        }
    }

    private func remove(
        _ id: String,
        of file: ManagedFile,
        at target: Deployment,
        requestID: String
    ) async throws {
        let attempt = { () async throws(FanOutFailure) in
            try await removal.delete(id, at: target, requestID: requestID)
            try await removal.forget(file.id, at: target, providerID: id)
        }
        for pause in Self.pausesBetweenRemovals {
            do { return try await attempt() } catch { try await Task.sleep(for: pause) }
        }
        do throws(FanOutFailure) {
            try await attempt()
        } catch {
            try await journal.giveUp(file.id, at: target.id, providerID: id)
            throw error
        }
    }
}

extension ManagedFile {
    /// A name that no other object has, even of the same file at another deployment with the same bucket.
    package func newObjectName() -> String { "\(id.uuid.text)-\(RecordUUID.random().text.prefix(8))" }
}
