/// Where the truth about copies at providers is written down, before and after a provider is asked.
///
/// Whoever creates or deletes at a provider calls this in the order of the words below, and waits for each: what is
/// written here is what a later sweep can find and finish.
package protocol CopyJournal: Sendable {
    /// Notes a provider's id the moment it exists.
    func remember(_ file: FileID, at deployment: DeploymentID, providerID: String) async throws
    /// Notes that the copy is complete and can be used.
    func complete(_ file: FileID, at deployment: DeploymentID, providerID: String, expiresAt: UnixTime?) async throws
    /// Notes that the provider is about to be asked for the copy.
    func begin(_ file: FileID, at deployment: DeploymentID) async throws
    /// Notes that the copy is not wanted, with its id or none if nobody knows it: a sweep removes what there is of it.
    func giveUp(_ file: FileID, at deployment: DeploymentID, providerID: String?) async throws
    /// Notes that the copy with this id, or the one without an id, does not exist, or no longer.
    func forget(_ file: FileID, at deployment: DeploymentID, providerID: String?) async throws
}
