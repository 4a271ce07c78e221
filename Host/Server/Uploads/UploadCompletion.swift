import HostCore
import HostRegistry
import HostTransfer
import Hummingbird
import Logging

/// Makes the file of an upload whose parts are here.
struct UploadCompletion: Sendable {
    let services: GatewayServices

    /// How long a repeat of a completion that is under way waits for it.
    private static let longestWaitForFirst: Duration = .seconds(30)
    private static let pauseBetweenQuestions: Duration = .milliseconds(250)

    private var uploads: UploadService { UploadService(services: services) }

    /// Completes an upload; a repeat answers the same file.
    ///
    /// It goes on when the client leaves, since a repeat gets the answer. If it fails, the upload can be completed again.
    func complete(_ call: Call, _ requested: RequestedObject) async throws -> ManagedFile {
        _ = try await services.registry.upload(requested, for: call.principal)
        let body = try await call.decoded(UploadCompletionBody.self)
        let parts = try body.parts(services.objectIDs)
        let checksum = try body.checksum()
        let fileID = FileID(uuid: .random())
        switch try await begin(requested, parts, fileID, call) {
        case .underWay: throw RuleError.uploadUnderWay
        case .made(let file):
            return try await services.registry.file(
                file,
                for: call.principal,
                action: .read,
                clientID: requested.clientID
            )
        case .begun(let upload, let chosen):
            do {
                let file = try await make(fileID, of: upload, chosen, checksum: checksum, call)
                await services.removeParts(of: upload)
                return file
            } catch {
                await giveBack(upload, fileID)
                throw error
            }
        }
    }

    /// Takes the upload once nobody else completes it, or says that somebody still does after long enough.
    ///
    /// Several repeats can find the upload open at the same time, and only one of them takes it: the others wait again.
    private func begin(
        _ requested: RequestedObject,
        _ parts: [RequestedObject],
        _ file: FileID,
        _ call: Call
    ) async throws -> CompletionBeginning {
        let deadline = ContinuousClock.now + Self.longestWaitForFirst
        while true {
            try await waitForFirst(requested, until: deadline, call)
            let beginning = try await services.registry.beginCompletion(
                of: requested,
                with: parts,
                into: file,
                for: call.principal
            )
            guard case .underWay = beginning, ContinuousClock.now < deadline else { return beginning }
        }
    }

    /// Waits until nobody completes the upload, or for long enough; who waits only asks, and ends with its client.
    private func waitForFirst(
        _ requested: RequestedObject,
        until deadline: ContinuousClock.Instant,
        _ call: Call
    ) async throws {
        try await cancellingOnDisconnect(of: call.context.channel) {
            while try await services.registry.upload(requested, for: call.principal).status == .completing,
                ContinuousClock.now < deadline
            {
                try await Task.sleep(for: Self.pauseBetweenQuestions)
            }
        }
    }

    private func make(
        _ id: FileID,
        of upload: UploadSession,
        _ parts: [UploadPart],
        checksum: String?,
        _ call: Call
    ) async throws -> ManagedFile {
        let terms = upload.terms
        let targets = try await services.targets(named: terms.targetNames, for: call.principal)
        try uploads.checkServed(targets)
        let content = try await services.parts.content(
            of: parts,
            upload: upload.id,
            at: services.registry.hostName ?? ""
        )
        let digest = try await ContentDigest(of: content, withMD5: checksum != nil, on: services.parts.pool)
        guard digest.md5 == checksum else {
            throw RuleError(
                .invalidRequest,
                "The parts have another MD5 than md5 says: one was changed on its way, or they are in another order.",
                parameter: "md5"
            )
        }
        let lifetime = uploads.lifetime(of: terms.purpose, terms.expiresAfterSeconds)
        let new = NewFile(
            id: id,
            owner: upload.owner,
            teamID: upload.teamID,
            purpose: terms.purpose,
            filename: terms.filename,
            mimeType: terms.mimeType,
            content: FileContent(sizeInBytes: content.sizeInBytes, sha256: digest.sha256),
            expiresAt: lifetime.map { services.clock.now().advanced(bySeconds: $0) },
            targetNames: terms.targetNames
        )
        return try await uploads.create(
            new,
            completing: upload,
            from: content,
            sha256: digest.sha256,
            at: targets,
            requestID: call.context.callID
        )
    }

    private func giveBack(_ upload: UploadSession, _ file: FileID) async {
        do {
            try await services.registry.giveBackUpload(upload.id, madeInto: file)
        } catch {
            // The next request here finds that nobody is at work on it, those elsewhere after a sweep of this host.
            services.logger.warning(
                "an upload that could not be completed could not be given back",
                metadata: ["upload.uuid": "\(upload.id.uuid.text)", "error": "\(error)"]
            )
        }
    }
}

extension GatewayServices {
    /// Removes the parts of an upload that is over; a sweep does what cannot be done now.
    func removeParts(of upload: UploadSession) async {
        do {
            try await parts.removeAll(of: upload.id.uuid)
        } catch {
            logger.warning(
                "parts of an upload are left to the next sweep",
                metadata: ["upload.uuid": "\(upload.id.uuid.text)", "error": "\(error)"]
            )
        }
    }
}
