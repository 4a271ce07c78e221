/// What was begun at providers and not ended: shared by all hosts, each piece in one's hands at a time.
///
/// Whoever claims a piece finishes or postpones it. One that is still in the hands of a host that has died can be
/// claimed by any other.
package protocol UnfinishedWork: Sendable {
    /// Takes files whose upload or deletion was left, or whose time has passed; from now on they are being deleted.
    func claimFiles(limit: Int) async throws -> [ManagedFile]
    /// Takes copies of files in use that were left half made or half deleted, or whose time has passed.
    func claimCopies(limit: Int) async throws -> [UnfinishedCopy]
    /// Removes the record of a file that has no copy left; false while a copy is left, which is then postponed.
    func finish(_ file: FileID) async throws -> Bool
    /// Gives a file back, to be claimed again after a while that grows with every failure.
    func postpone(_ file: FileID) async throws
    /// Gives a copy back, to be claimed again after a while that grows with every failure.
    func postpone(_ copy: UnfinishedCopy) async throws
    /// Whose the objects are that a provider has and that could be a file's.
    ///
    /// The deployments are those at which an upload that was cut off could have made one of them.
    func judge(
        _ providerIDs: [String],
        like file: ManagedFile,
        at deployments: [DeploymentID]
    ) async throws -> SuspectJudgement
    /// Drops records that are kept for a time only.
    func dropOldRecords() async throws
}

/// A copy that somebody has to finish, with its file.
package struct UnfinishedCopy: Hashable, Sendable {
    package let file: ManagedFile
    package let copy: FileCopy

    /// Pairs a copy with its file.
    package init(file: ManagedFile, copy: FileCopy) {
        self.file = file
        self.copy = copy
    }
}

/// What the registry knows about objects that could be a file's.
package struct SuspectJudgement: Hashable, Sendable {
    /// Those that no record has.
    package let unrecorded: [String]
    /// How many uploads of such a file are under way now and could have made one of them.
    package let running: Int
    /// How many uploads of such a file were cut off before their object's id was known.
    package let cutOff: Int

    /// Makes a judgement.
    package init(unrecorded: [String], running: Int, cutOff: Int) {
        self.unrecorded = unrecorded
        self.running = running
        self.cutOff = cutOff
    }
}
