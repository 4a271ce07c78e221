import HostCore

/// A file that is about to be made.
package struct NewFile: Sendable {
    package let id: FileID
    package let owner: Owner
    /// The team of the key that makes it; its members share the file.
    package let teamID: TeamID?
    package let purpose: FilePurpose
    package let filename: String
    package let mimeType: String
    package let content: FileContent
    package let expiresAt: UnixTime?
    /// The target names as the client gave them, each once.
    package let targetNames: [String]

    /// Describes a file that a principal makes: it is the owner.
    package init(
        for principal: Principal,
        purpose: FilePurpose,
        filename: String,
        mimeType: String,
        content: FileContent,
        expiresAt: UnixTime? = nil,
        targetNames: [String]
    ) {
        self.init(
            owner: principal.owner,
            teamID: principal.teamID,
            purpose: purpose,
            filename: filename,
            mimeType: mimeType,
            content: content,
            expiresAt: expiresAt,
            targetNames: targetNames
        )
    }

    /// Describes a file that the gateway makes on somebody's behalf, such as a batch's output.
    package init(
        id: FileID = FileID(uuid: .random()),
        owner: Owner,
        teamID: TeamID?,
        purpose: FilePurpose,
        filename: String,
        mimeType: String,
        content: FileContent,
        expiresAt: UnixTime? = nil,
        targetNames: [String]
    ) {
        self.id = id
        self.owner = owner
        self.teamID = teamID
        self.purpose = purpose
        self.filename = filename
        self.mimeType = mimeType
        self.content = content
        self.expiresAt = expiresAt
        self.targetNames = targetNames
    }
}
