import HostCore
import HostPlugins
import Logging
import NIOCore

/// Makes the copy of a file that a deployment lacks, from a copy that its provider gives back.
///
/// However many requests want it, it is made once: in this process they wait for one task, between hosts the registry
/// lets one begin. The content passes through the spool, where it is compared with the record before it goes on.
package actor BackFill {
    private static let maximumRunningAtDeployment = 8
    private static let longestWait: Duration = .seconds(30)
    private static let pauseBetweenQuestions: Duration = .milliseconds(250)
    /// A provider that drops files after a time wants at least an hour.
    private static let shortestExpiryInSeconds: Int64 = 3600

    private let plugins: PluginHost
    private let claims: any CopyClaims
    private let creation: CopyCreation
    private let spool: SpoolDirectory
    private let clock: any WallClock
    private var running: [CopyPlace: Task<ManagedFile, any Error>] = [:]

    /// Makes a back-fill.
    package init(
        plugins: PluginHost,
        removal: CopyRemoval,
        claims: any CopyClaims,
        spool: SpoolDirectory,
        clock: any WallClock
    ) {
        self.plugins = plugins
        self.claims = claims
        creation = CopyCreation(removal: removal)
        self.spool = spool
        self.clock = clock
    }

    /// Makes a copy at a deployment, unless it is there.
    ///
    /// - Returns: The file with that copy.
    /// - Throws: ``FanOutFailure`` of the provider that cannot give or take it; what the registry and the spool throw.
    package func fill(_ file: ManagedFile, at deployment: Deployment, requestID: String) async throws -> ManagedFile {
        let place = CopyPlace(file: file.id, deployment: deployment.id)
        if let task = running[place] { return try await task.value }
        guard running.keys.count(where: { $0.deployment == deployment.id }) < Self.maximumRunningAtDeployment else {
            throw Self.busy(deployment, "Too many files are being copied there. Try again in a moment.")
        }
        // A task of its own: whoever waits may leave, and a copy that was begun is journaled to its end.
        let task = Task { try await begin(file, at: deployment, requestID: requestID) }
        running[place] = task
        defer { running[place] = nil }
        return try await task.value
    }

    private nonisolated func begin(
        _ file: ManagedFile,
        at deployment: Deployment,
        requestID: String
    ) async throws -> ManagedFile {
        let deadline = ContinuousClock.now + Self.longestWait
        while true {
            switch try await claims.beginCopy(file.id, at: deployment.id) {
            case .ready(let file): return file
            case .begun(let begun):
                try await make(begun, at: deployment, requestID: requestID)
                return try await filled(file.id, at: deployment)
            case .beingRemoved:
                throw Self.busy(deployment, "What is left of an earlier copy is being removed there. Try again.")
            case .beingMade:
                guard ContinuousClock.now < deadline else {
                    throw Self.busy(deployment, "The file is being copied there by another request. Try again.")
                }
                try await Task.sleep(for: Self.pauseBetweenQuestions)
            }
        }
    }

    private nonisolated func filled(_ id: FileID, at deployment: Deployment) async throws -> ManagedFile {
        guard case .ready(let file) = try await claims.beginCopy(id, at: deployment.id) else {
            throw Self.busy(deployment, "The copy that was just made is gone again. Try again.")
        }
        return file
    }

    private nonisolated func make(_ file: ManagedFile, at deployment: Deployment, requestID: String) async throws {
        let content: SpooledFile
        do {
            content = try await self.content(of: file, wantedAt: deployment, requestID: requestID)
        } catch {
            // Nothing has been asked of the provider yet.
            try await creation.removal.forget(file.id, at: deployment, providerID: nil)
            throw error
        }
        let left = file.expiresAt.map { $0.secondsSince1970 - clock.now().secondsSince1970 }
        let expiresIn = left.flatMap { $0 >= Self.shortestExpiryInSeconds ? $0 : nil }
        let request = CopyCreation.request(file, from: content, expiresIn: expiresIn, requestID: requestID)
        // Reading may have taken long: only from now on can there be an object.
        try await creation.removal.journal.begin(file.id, at: deployment.id)
        let existing = ProviderIDs()
        let outcome = await creation.create(file, at: deployment, request, existing)
        guard let failure = outcome.failure else { return }
        await creation.undo(file, at: deployment, outcome, existing, requestID: requestID)
        throw failure
    }

    // MARK: The content

    /// Reads the content of a file into the spool, from the first provider that gives it back.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - deployment: Where the content is wanted, for the failure.
    ///   - requestID: For the plugins' log lines.
    ///   - look: Sees the bytes as they come, in order; of a provider that failed on the way too, whose bytes are followed by
    ///     those of another from the beginning.
    /// - Returns: The content, which is what was uploaded.
    /// - Throws: ``FanOutFailure`` of the provider that cannot give it; what `look` and the spool throw.
    package nonisolated func content(
        of file: ManagedFile,
        wantedAt deployment: Deployment,
        requestID: String,
        look: (ByteBuffer, _ isFirst: Bool) throws(RuleError) -> Void = { _, _ in }
    ) async throws -> SpooledFile {
        var failure = FanOutFailure(
            deployment: deployment,
            failure: OperationFailure(.notFound, "No provider that has the file gives it back. Upload it again.")
        )
        for copy in file.copies where file.usableCopy(at: copy.deployment, now: clock.now()) != nil {
            guard let target = plugins.target(copy.deployment), target.givesBackContent(of: file.purpose) else {
                continue
            }
            do {
                return try await read(copy, of: file, requestID: requestID, look)
            } catch let error as OperationFailure {
                // That it is not there is no news to anybody who reads this; what else went wrong is.
                guard error.reason != .notFound else { continue }
                failure = FanOutFailure(deployment: target.deployment, failure: error)
            }
        }
        throw failure
    }

    private nonisolated func read(
        _ copy: FileCopy,
        of file: ManagedFile,
        requestID: String,
        _ look: (ByteBuffer, _ isFirst: Bool) throws(RuleError) -> Void
    ) async throws -> SpooledFile {
        guard let input = FileInput(id: copy.providerID ?? "").json else {
            preconditionFailure("text can be written as JSON")
        }
        let writer = try await spool.writer(maximumBytes: file.sizeInBytes, expectedBytes: file.sizeInBytes)
        do {
            let request = OperationRequest(.fileContent, requestID: requestID, input: input)
            var isFirst = true
            for try await part in try plugins.stream(request, on: copy.deployment) {
                guard case .bytes(let bytes) = part else { continue }
                try await Self.write(bytes, to: writer)
                try look(bytes, isFirst)
                isFirst = false
            }
            let content = try await writer.finish()
            // Of what a provider has made nobody but the provider knows the hash.
            guard content.sizeInBytes == file.sizeInBytes, file.sha256.map({ $0 == content.sha256 }) ?? true else {
                throw Self.changed
            }
            return content
        } catch {
            writer.discard()
            throw error
        }
    }

    private static func write(_ bytes: ByteBuffer, to writer: SpoolWriter) async throws {
        do {
            try await writer.write(bytes)
        } catch is RuleError {
            // More bytes than the record has are another content.
            throw changed
        }
    }

    private static let changed = OperationFailure(
        .upstreamProtocol,
        "The provider's copy of the file is not what was uploaded. Upload the file again."
    )

    private static func busy(_ deployment: Deployment, _ message: String) -> FanOutFailure {
        let failure = OperationFailure(.upstreamUnavailable, message, retryAfter: .seconds(1))
        return FanOutFailure(deployment: deployment, failure: failure)
    }
}
