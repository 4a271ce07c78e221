/// One copy of one file.
package struct CopyPlace: Hashable, Sendable {
    package let file: FileID
    package let deployment: DeploymentID

    /// Names a copy.
    package init(file: FileID, deployment: DeploymentID) {
        self.file = file
        self.deployment = deployment
    }
}

/// What somebody who wants a copy at another deployment has to do.
package enum CopyBeginning: Hashable, Sendable {
    /// Nobody has it: make it now; its intent is written down.
    case begun(ManagedFile)
    /// It is there.
    case ready(ManagedFile)
    /// Somebody else makes it now: ask again in a moment.
    case beingMade
    /// What is left of an earlier one is being removed.
    case beingRemoved
}

/// Where copies of files in use begin and end.
package protocol CopyClaims: Sendable {
    /// Writes down that a copy is going to be made.
    func beginCopy(_ file: FileID, at deployment: DeploymentID) async throws -> CopyBeginning
}
