/// What a file is for, as OpenAI names it.
package enum FilePurpose: String, Sendable, CaseIterable {
    case assistants
    case batch
    case fineTune = "fine-tune"
    case vision
    case userData = "user_data"
    case evals
    case messages
    /// Made by the gateway for a batch; never accepted from a client.
    case batchOutput = "batch_output"
    /// Made by the gateway for a fine-tuning job; never accepted from a client.
    case fineTuneResults = "fine-tune-results"

    /// The purposes a client may name.
    package static let requestable: [FilePurpose] = [
        .assistants, .batch, .fineTune, .vision, .userData, .evals, .messages,
    ]
}

/// Where a managed file is in its life.
package enum FileStatus: String, Sendable {
    /// Its copies are being made; nobody but the journal knows it.
    case uploading
    /// It can be used.
    case ready
    /// It belongs to an object of the gateway, such as a batch whose rewritten input it is: no client ever sees it.
    case `internal`
    /// Some copies may be gone; only a repeated delete may still see it.
    case deleting
    /// Its time has passed and its copies are gone; the record says so for a while.
    case expired

    /// Whether a client can ever have been told of a file in this state.
    package var isKnownToClients: Bool { self != .uploading && self != .internal }
}

/// Where one copy of a file is in its life.
package enum CopyState: String, Sendable {
    /// The provider was, or is about to be, asked to create it.
    case pending
    case ready
    case deleting
    /// It was never completed, or is lost; what there is of it, or still comes into being, has to go.
    case failed
    /// The provider drops it about now.
    case expired
}

/// A managed file at one deployment's provider.
package struct FileCopy: Hashable, Sendable {
    package let deployment: DeploymentID
    /// The provider's id or URI; nil until the provider has named it.
    package let providerID: String?
    package let state: CopyState
    package let expiresAt: UnixTime?
    /// When the provider was first about to be asked for it.
    package let begunAt: UnixTime
    /// When something was last noted about it; of one that was cut off, when whoever made it was last alive.
    package let updatedAt: UnixTime

    /// Makes a copy's description.
    package init(
        deployment: DeploymentID,
        providerID: String?,
        state: CopyState,
        expiresAt: UnixTime?,
        begunAt: UnixTime,
        updatedAt: UnixTime
    ) {
        self.deployment = deployment
        self.providerID = providerID
        self.state = state
        self.expiresAt = expiresAt
        self.begunAt = begunAt
        self.updatedAt = updatedAt
    }
}

/// One file of one owner, with the copies that exist at providers.
///
/// It never changes. As a class, since it goes through many hands: a struct of so many fields costs more to hand over than
/// to look up.
package final class ManagedFile: OwnedRecord, Sendable {
    package let id: FileID
    package let owner: Owner
    /// The team of the key that made it; its members share the file.
    package let teamID: TeamID?
    package let purpose: FilePurpose
    package let filename: String
    package let mimeType: String
    package let sizeInBytes: Int64
    /// Lower-case hexadecimal SHA-256 of the content; nil while that still comes in, and of what has been deleted.
    package let sha256: String?
    package let createdAt: UnixTime
    package let expiresAt: UnixTime?
    package let status: FileStatus
    /// The target names as the client gave them, each once.
    package let targetNames: [String]
    package let copies: [FileCopy]

    /// Makes a file's description.
    package init(
        id: FileID,
        owner: Owner,
        teamID: TeamID?,
        purpose: FilePurpose,
        filename: String,
        mimeType: String,
        sizeInBytes: Int64,
        sha256: String?,
        createdAt: UnixTime,
        expiresAt: UnixTime?,
        status: FileStatus,
        targetNames: [String],
        copies: [FileCopy]
    ) {
        self.id = id
        self.owner = owner
        self.teamID = teamID
        self.purpose = purpose
        self.filename = filename
        self.mimeType = mimeType
        self.sizeInBytes = sizeInBytes
        self.sha256 = sha256
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.status = status
        self.targetNames = targetNames
        self.copies = copies
    }

    /// Whether its time has passed.
    package func hasExpired(by now: UnixTime) -> Bool { expiresAt.map { $0 <= now } ?? false }

    /// The file as it is without one of its copies.
    package func without(_ copy: FileCopy) -> ManagedFile {
        ManagedFile(
            id: id,
            owner: owner,
            teamID: teamID,
            purpose: purpose,
            filename: filename,
            mimeType: mimeType,
            sizeInBytes: sizeInBytes,
            sha256: sha256,
            createdAt: createdAt,
            expiresAt: expiresAt,
            status: status,
            targetNames: targetNames,
            copies: copies.filter { $0 != copy }
        )
    }

    /// The copy at a deployment that can be used now, if there is one.
    package func usableCopy(at deployment: DeploymentID, now: UnixTime) -> FileCopy? {
        copies.first { $0.isUsable(at: deployment, now: now) }
    }

    /// Whether there is a copy at a deployment that can be used now.
    package func hasUsableCopy(at deployment: DeploymentID, now: UnixTime) -> Bool {
        copies.contains { $0.isUsable(at: deployment, now: now) }
    }
}

extension FileCopy {
    fileprivate func isUsable(at deployment: DeploymentID, now: UnixTime) -> Bool {
        self.deployment == deployment && state == .ready && providerID != nil && expiresAt.map { $0 > now } ?? true
    }
}

extension ManagedFile: Hashable {
    /// Whether nothing differs.
    package static func == (file: ManagedFile, other: ManagedFile) -> Bool {
        file === other
            || file.id == other.id && file.owner == other.owner && file.teamID == other.teamID
                && file.purpose == other.purpose && file.filename == other.filename && file.mimeType == other.mimeType
                && file.sizeInBytes == other.sizeInBytes && file.sha256 == other.sha256
                && file.createdAt == other.createdAt && file.expiresAt == other.expiresAt
                && file.status == other.status && file.targetNames == other.targetNames && file.copies == other.copies
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
