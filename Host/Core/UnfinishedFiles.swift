/// Where the sweeper learns what was left unfinished, and notes that it is done.
package protocol UnfinishedFiles: Sendable {
    /// Files whose upload or deletion began and did not end, and of which nothing was heard for so long.
    func unfinishedFiles(quietFor age: Duration) async throws -> [ManagedFile]
    /// Removes the record of a file that has no copy left.
    func discard(_ file: ManagedFile) async throws
}
