/// Where an upload in parts is in its life.
package enum UploadStatus: String, Sendable {
    /// It takes parts.
    case pending
    /// A host makes its file now.
    case completing
    case completed
    case cancelled
    case expired
}

/// What a client said of a file before it sends the parts.
package struct UploadTerms: Hashable, Sendable {
    package let purpose: FilePurpose
    /// The last component of the name the client gave.
    package let filename: String
    /// Type and subtype in lower case.
    package let mimeType: String
    /// What the parts that make up the file have together.
    package let sizeInBytes: Int64
    /// The target names as the client gave them, each once.
    package let targetNames: [String]
    /// For so many seconds after its completion the file lives; nil if the client did not say.
    package let expiresAfterSeconds: Int64?

    /// Makes terms.
    package init(
        purpose: FilePurpose,
        filename: String,
        mimeType: String,
        sizeInBytes: Int64,
        targetNames: [String],
        expiresAfterSeconds: Int64?
    ) {
        self.purpose = purpose
        self.filename = filename
        self.mimeType = mimeType
        self.sizeInBytes = sizeInBytes
        self.targetNames = targetNames
        self.expiresAfterSeconds = expiresAfterSeconds
    }
}

/// A file of one owner that comes in parts.
package struct UploadSession: OwnedRecord, Hashable, Sendable {
    /// How long a client has to send the parts and to complete the upload.
    package static let lifetimeInSeconds: Int64 = 3600
    /// The largest part.
    package static let maximumPartBytes: Int64 = 64 << 20
    /// So many parts an upload may have.
    package static let maximumParts = 10_000

    package let id: ObjectID
    package let owner: Owner
    package let teamID: TeamID?
    package let terms: UploadTerms
    package let createdAt: UnixTime
    package let expiresAt: UnixTime
    /// As it was noted last; see ``status(at:)``.
    package let status: UploadStatus
    /// The file that it became, or that is being made of it.
    package let fileID: FileID?

    /// Makes an upload's description.
    package init(
        id: ObjectID,
        owner: Owner,
        teamID: TeamID?,
        terms: UploadTerms,
        createdAt: UnixTime,
        expiresAt: UnixTime,
        status: UploadStatus,
        fileID: FileID?
    ) {
        self.id = id
        self.owner = owner
        self.teamID = teamID
        self.terms = terms
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.status = status
        self.fileID = fileID
    }

    /// Where it is at a moment: its time may have passed without anybody having noted it.
    package func status(at now: UnixTime) -> UploadStatus {
        status == .pending && expiresAt <= now ? .expired : status
    }
}

/// One part of an upload, which lies on the host that received it.
package struct UploadPart: Hashable, Sendable {
    package let id: ObjectID
    package let sizeInBytes: Int64
    /// Lower-case hexadecimal SHA-256 of the content.
    package let sha256: String
    /// Names the host that has it.
    package let host: String
    package let createdAt: UnixTime

    /// Makes a part's description.
    package init(id: ObjectID, sizeInBytes: Int64, sha256: String, host: String, createdAt: UnixTime) {
        self.id = id
        self.sizeInBytes = sizeInBytes
        self.sha256 = sha256
        self.host = host
        self.createdAt = createdAt
    }
}
