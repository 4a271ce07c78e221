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

    /// Receives the form, makes a copy at every target, and commits the record.
    ///
    /// Targets are checked before a byte is stored where they precede the file, and before a provider is asked in any
    /// case. If a target fails the others are undone, and nothing is left. A repeat with the same `Idempotency-Key` gets
    /// the first one's file.
    func create(_ call: Call) async throws -> ManagedFile {
        let key = try IdempotencyHeader.key(of: call.request)
        let upload = try await receive(call)
        let targets = try services.models.targets(named: upload.request.targetNames, for: call.principal)
        try checkServed(targets)
        let lifetime = upload.request.expiresAfterSeconds ?? services.defaultExpiry[upload.request.purpose]
        switch try await begin(upload, targets, lifetime, key, call) {
        case .made(let file): return file
        case .underWay: throw Self.stillUnderWay
        case .begun(let begun):
            try await makeCopies(of: begun, from: upload.file, at: targets, lifetime, call)
            return try await commit(begun)
        }
    }

    private func begin(
        _ upload: ReceivedUpload,
        _ targets: [Deployment],
        _ lifetime: Int64?,
        _ key: String?,
        _ call: Call
    ) async throws -> FileBeginning {
        let new = NewFile(
            for: call.principal,
            purpose: upload.request.purpose,
            filename: upload.request.filename,
            mimeType: upload.request.mimeType,
            content: FileContent(sizeInBytes: upload.file.sizeInBytes, sha256: upload.file.sha256),
            expiresAt: lifetime.map { services.clock.now().advanced(bySeconds: $0) },
            targetNames: upload.request.targetNames
        )
        let idempotencyKey = key.map { IdempotencyHeader.idempotencyKey($0, for: upload, by: call.principal) }
        let deadline = ContinuousClock.now + Self.longestWaitForFirst
        while true {
            let beginning = try await services.registry.beginFile(
                new,
                targets: targets.map(\.id),
                unlessMadeWith: idempotencyKey
            )
            guard case .underWay = beginning, ContinuousClock.now < deadline else { return beginning }
            try await Task.sleep(for: Self.pauseBetweenQuestions)
        }
    }

    private func makeCopies(
        of file: ManagedFile,
        from source: SpooledFile,
        at targets: [Deployment],
        _ lifetime: Int64?,
        _ call: Call
    ) async throws {
        do {
            try await services.fanOut.create(
                file,
                from: source,
                at: targets,
                expiresIn: lifetime,
                requestID: call.context.callID
            )
        } catch {
            await abandon(file)
            throw error
        }
    }

    private func commit(_ file: ManagedFile) async throws -> ManagedFile {
        do {
            do {
                return try await services.registry.commitFile(file.id)
            } catch  where error.code == .storeUnavailable {
                // It may have been done although nobody said so; a repeat then finds it done.
                return try await services.registry.commitFile(file.id)
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

    private func receive(_ call: Call) async throws -> ReceivedUpload {
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
            into: writer
        ) { fields in
            guard !fields.targetNames.isEmpty else { return }
            try checkServed(try services.models.targets(named: fields.targetNames, for: call.principal))
        }
    }

    private func checkServed(_ targets: [Deployment]) throws(RuleError) {
        for target in targets where services.plugins.target(target.id)?.serves(.fileCreate) != true {
            throw RuleError(
                .unsupported,
                "\(target.modelName) (plugin \(target.plugin)) takes no files.",
                parameter: "target_model_names"
            )
        }
    }
}
