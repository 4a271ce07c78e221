import HostCore
import HostRegistry

extension RegistryFixture {
    /// An upload that takes parts.
    func beginUpload(_ principal: Principal, bytes: Int64 = 10) async throws -> UploadSession {
        let terms = UploadTerms(
            purpose: .userData,
            filename: "paper.pdf",
            mimeType: "application/pdf",
            sizeInBytes: bytes,
            targetNames: ["a"],
            expiresAfterSeconds: 7200
        )
        return try await registry.beginUpload(NewUpload(for: principal, terms))
    }

    func part(_ bytes: Int64, _ sha256: String = RecordUUID.random().text, host: String = "one") -> UploadPart {
        UploadPart(
            id: ObjectID(.part, uuid: .random()),
            sizeInBytes: bytes,
            sha256: sha256,
            host: host,
            createdAt: clock.now()
        )
    }

    /// A part that is noted.
    func add(_ bytes: Int64, to upload: UploadSession, _ principal: Principal) async throws -> UploadPart {
        let part = part(bytes)
        _ = try await registry.note(part, of: reference(upload), for: principal)
        return part
    }

    func reference(_ upload: UploadSession) -> RequestedObject { RequestedObject(id: upload.id, clientID: "upload_x") }

    func references(_ parts: [UploadPart]) -> [RequestedObject] {
        parts.map { RequestedObject(id: $0.id, clientID: "part_x") }
    }

    func find(_ upload: UploadSession, _ principal: Principal) async throws -> UploadSession {
        try await registry.upload(reference(upload), for: principal)
    }

    /// Takes an upload in order to make its file.
    func take(
        _ upload: UploadSession,
        _ parts: [UploadPart],
        into file: FileID = FileID(uuid: .random()),
        _ principal: Principal,
        by registry: Registry? = nil
    ) async throws -> CompletionBeginning {
        try await (registry ?? self.registry).beginCompletion(
            of: reference(upload),
            with: references(parts),
            into: file,
            for: principal
        )
    }

    /// Makes the file of an upload that was taken, up to its commitment.
    func makeFile(_ id: FileID, of upload: UploadSession, by registry: Registry? = nil) async throws {
        let registry = registry ?? self.registry
        let new = NewFile(
            id: id,
            owner: upload.owner,
            teamID: upload.teamID,
            purpose: .userData,
            filename: "paper.pdf",
            mimeType: "application/pdf",
            content: FileContent(sizeInBytes: upload.terms.sizeInBytes, sha256: "00ff"),
            targetNames: ["a"]
        )
        _ = try await registry.beginFile(new, targets: [DeploymentID("a")])
        try await registry.complete(id, at: DeploymentID("a"), providerID: "p-\(id.uuid.text)", expiresAt: nil)
    }
}
