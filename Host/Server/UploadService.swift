import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Hummingbird
import Logging

/// Takes an upload from the client's socket to every target.
struct UploadService: Sendable {
    let services: GatewayServices

    /// How long a repeat of an upload that is under way waits for it.
    private static let longestWaitForFirst: Duration = .seconds(120)
    private static let pauseBetweenQuestions: Duration = .milliseconds(250)

    /// A smaller file is there before a provider could be asked for it.
    private static let smallestCutThrough: Int64 = 1 << 20

    /// Receives the form, makes a copy at every target, and commits the record.
    ///
    /// Targets are checked before a byte is stored where they precede the file, and before a provider is asked in any
    /// case. If a target fails the others are undone, and nothing is left. A repeat with the same `Idempotency-Key` gets
    /// the first one's file.
    ///
    /// A large file whose length can be told from the request's is sent on while it comes in. Should the client leave,
    /// or the file turn out to be another, the providers are cut off; of the other one the copies are made when it is
    /// whole. Should a provider refuse the file for good, the client is told without having to send the rest.
    func create(_ call: Call) async throws -> ManagedFile {
        let key = try IdempotencyHeader.key(of: call.request)
        // Whether it is a repeat can be told only when all of it is here.
        let (upload, early) =
            key == nil
            ? try await receiveUnlessRefused(call) : (try await receive(call) { _, _ in }, nil)
        if let early {
            if early.isFulfilled(by: upload) { return try await finish(early, from: upload.file) }
            await abort(early)
        }
        return try await createFromSpool(upload, key, call)
    }

    private func createFromSpool(_ upload: ReceivedUpload, _ key: String?, _ call: Call) async throws -> ManagedFile {
        let targets = try await services.targets(named: upload.request.targetNames, for: call.principal)
        try checkServed(targets)
        let new = newFile(
            upload.request,
            FileContent(sizeInBytes: upload.file.sizeInBytes, sha256: upload.file.sha256),
            call
        )
        let idempotencyKey = key.map { IdempotencyHeader.idempotencyKey($0, for: upload, by: call.principal) }
        switch try await begin(new, targets, idempotencyKey) {
        case .made(let file): return file
        case .underWay: throw Self.stillUnderWay
        case .begun(let begun):
            return try await made(begun, sha256: upload.file.sha256) {
                try await services.fanOut.create(
                    begun,
                    from: upload.file,
                    at: targets,
                    expiresIn: lifetime(of: upload.request),
                    requestID: call.context.callID
                )
            }
        }
    }

    /// Makes the file of an upload whose parts have all come in, and completes it.
    ///
    /// - Parameters:
    ///   - new: The file.
    ///   - upload: The upload, which the caller has taken.
    ///   - source: The parts as one file.
    ///   - sha256: Its hash.
    ///   - targets: Where the copies go.
    ///   - requestID: For the plugins' log lines.
    /// - Returns: The file, which is the upload's from now on.
    /// - Throws: As ``create(_:)``; then the upload is as it was.
    func create(
        _ new: NewFile,
        completing upload: UploadSession,
        from source: any RandomAccessFile,
        sha256: String,
        at targets: [Deployment],
        requestID: String
    ) async throws -> ManagedFile {
        guard case .begun(let file) = try await begin(new, targets, nil) else {
            throw RegistryError(.internalError, "A file without an idempotency key cannot have been made before.")
        }
        return try await made(file, sha256: sha256, completing: upload.id) {
            try await services.fanOut.create(
                file,
                from: source,
                at: targets,
                expiresIn: lifetime(of: upload.terms.purpose, upload.terms.expiresAfterSeconds),
                requestID: requestID
            )
        }
    }

    /// After how many seconds a file expires; nil for never.
    func lifetime(of purpose: FilePurpose, _ wanted: Int64?) -> Int64? { wanted ?? services.defaultExpiry[purpose] }

    private func lifetime(of request: UploadRequest) -> Int64? {
        lifetime(of: request.purpose, request.expiresAfterSeconds)
    }

    private func newFile(_ request: UploadRequest, _ content: FileContent, _ call: Call) -> NewFile {
        NewFile(
            for: call.principal,
            purpose: request.purpose,
            filename: request.filename,
            mimeType: request.mimeType,
            content: content,
            expiresAt: lifetime(of: request).map { services.clock.now().advanced(bySeconds: $0) },
            targetNames: request.targetNames
        )
    }

    private func begin(
        _ new: NewFile,
        _ targets: [Deployment],
        _ key: IdempotencyKey?
    ) async throws -> FileBeginning {
        let deadline = ContinuousClock.now + Self.longestWaitForFirst
        while true {
            let beginning = try await services.registry.beginFile(
                new,
                targets: targets.map(\.id),
                unlessMadeWith: key
            )
            guard case .underWay = beginning, ContinuousClock.now < deadline else { return beginning }
            try await Task.sleep(for: Self.pauseBetweenQuestions)
        }
    }

    /// Makes the copies and commits the file, or gives it up.
    private func made(
        _ file: ManagedFile,
        sha256: String,
        completing upload: ObjectID? = nil,
        copies: () async throws -> Void
    ) async throws -> ManagedFile {
        do {
            try await copies()
        } catch {
            await abandon(file)
            throw error
        }
        return try await commit(file, sha256: sha256, completing: upload)
    }

    // MARK: While the file comes in

    /// An upload that is sent on although not all of it is here.
    private struct EarlyUpload {
        /// What precedes the file, which is all there may be.
        let request: UploadRequest
        let copies: CutThrough

        func isFulfilled(by upload: ReceivedUpload) -> Bool {
            upload.request == request && copies.isFulfilled(by: upload.file)
        }
    }

    private typealias Received = (upload: ReceivedUpload, early: EarlyUpload?)

    /// Receives the form while its file is sent on, until all of it is here or the file is refused.
    private func receiveUnlessRefused(_ call: Call) async throws -> Received {
        let (refusals, refusal) = AsyncStream.makeStream(of: FanOutFailure.self, bufferingPolicy: .bufferingOldest(1))
        return try await withThrowingTaskGroup(of: Received.self) { group in
            group.addTask {
                try await receiveAndSendOn(call) { failure in refusal.yield(failure) }
            }
            group.addTask {
                for await failure in refusals { throw failure }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            do {
                guard let received = try await group.next() else { throw CancellationError() }
                return received
            } catch {
                group.cancelAll()
                // All of it may have come in the meantime.
                if case .success((_, let early?)) = await group.nextResult() { await abort(early) }
                throw error
            }
        }
    }

    private func receiveAndSendOn(
        _ call: Call,
        whenRefused: @escaping @Sendable (FanOutFailure) -> Void
    ) async throws -> Received {
        var early: EarlyUpload?
        do {
            let upload = try await receive(call) { start, writer in
                early = try await beginEarly(start, writer, call, whenRefused: whenRefused)
            }
            return (upload, early)
        } catch {
            if let early { await abort(early) }
            throw error
        }
    }

    /// Begins to send the file on, if its length and everything about it is known; nil if it has to come in first.
    private func beginEarly(
        _ start: FileStart,
        _ writer: SpoolWriter,
        _ call: Call,
        whenRefused: @escaping @Sendable (FanOutFailure) -> Void
    ) async throws -> EarlyUpload? {
        guard let length = start.probableBytes,
            (Self.smallestCutThrough...max(Self.smallestCutThrough, services.limits.fileBytes)).contains(length),
            let request = start.fields.completeRequest, !request.targetNames.isEmpty
        else { return nil }
        let targets = try await services.targets(named: request.targetNames, for: call.principal)
        let copies = try await services.fanOut.begin(
            from: try writer.growingFile(toward: length),
            at: targets,
            expiresIn: lifetime(of: request),
            requestID: call.context.callID,
            whenRefused: whenRefused
        ) {
            let new = newFile(request, FileContent(sizeInBytes: length, sha256: nil), call)
            guard case .begun(let file) = try await begin(new, targets, nil) else { return nil }
            return file
        }
        return copies.map { EarlyUpload(request: request, copies: $0) }
    }

    private func finish(_ early: EarlyUpload, from content: SpooledFile) async throws -> ManagedFile {
        try await made(early.copies.file, sha256: content.sha256) { try await early.copies.finish(from: content) }
    }

    private func abort(_ early: EarlyUpload) async {
        await early.copies.abort()
        await abandon(early.copies.file)
    }

    // MARK: The end

    private func commit(
        _ file: ManagedFile,
        sha256: String,
        completing upload: ObjectID?
    ) async throws -> ManagedFile {
        do {
            do {
                return try await services.registry.commitFile(file.id, sha256: sha256, completing: upload)
            } catch  where error.code == .storeUnavailable {
                // It may have been done although nobody said so; a repeat then finds it done.
                return try await services.registry.commitFile(file.id, sha256: sha256, completing: upload)
            }
        } catch {
            await abandon(file)
            // Another host took this one for dead and is removing the copies: the client may send the file again.
            throw error.code == .conflict ? Self.takenOver : error
        }
    }

    /// Undone as far as the providers let it be; a sweep does the rest, also where this cannot be written down.
    private func abandon(_ file: ManagedFile) async {
        do {
            let isGone = try await services.registry.abandonFile(file.id)
            if !isGone { services.sweeper.ring() }
        } catch {
            services.logger.warning(
                "a file that could not be made is left to the next sweep",
                metadata: ["file.uuid": "\(file.id.uuid.text)", "error": "\(error)"]
            )
        }
    }

    private static let stillUnderWay = GatewayError(
        .conflict,
        code: "upload_under_way",
        parameter: "Idempotency-Key",
        message: "The first upload with this Idempotency-Key is still under way. Ask again in a moment.",
        retryAfter: 5
    )

    private static let takenOver = RegistryError(
        .storeUnavailable,
        "The upload was given up because the registry could not be reached for too long. Send it again."
    )

    private func receive(
        _ call: Call,
        fileBegins: (FileStart, SpoolWriter) async throws -> Void
    ) async throws -> ReceivedUpload {
        let length = call.request.declaredLength
        // The form around the file is small, so a body this long has a file that is too long.
        if let length, length > services.limits.fileBytes + (1 << 20) {
            throw RuleError(
                .tooLarge,
                "The file is larger than the \(services.limits.fileBytes) bytes that this gateway takes.",
                parameter: "file"
            )
        }
        let writer = try await services.spool.writer(
            maximumBytes: services.limits.fileBytes,
            expectedBytes: length
        )
        return try await UploadForm.receive(
            call.request.body,
            contentType: call.request.headers[.contentType],
            bodyBytes: length,
            into: writer
        ) { start in
            if !start.fields.targetNames.isEmpty {
                try checkServed(try await services.targets(named: start.fields.targetNames, for: call.principal))
            }
            try await fileBegins(start, writer)
        }
    }

    /// Checks that every target takes files.
    func checkServed(_ targets: [Deployment]) throws(RuleError) {
        let served = services.plugins.current
        for target in targets where served.target(target.id)?.serves(.fileCreate) != true {
            try served.checkWorks(target.id)
            throw RuleError(
                .unsupported,
                "\(target.modelName) (plugin \(target.plugin)) takes no files.",
                parameter: "target_model_names"
            )
        }
    }
}
