/// What somebody wants to do with a file, or with an object such as a batch.
package enum FileAction: Sendable, CaseIterable {
    /// See its record or its content, or use it in a request.
    case read
    /// Delete it, or change what becomes of it, such as to cancel a batch.
    case delete
}

/// What belongs to somebody: a file, a batch, a job, a response.
package protocol OwnedRecord {
    var owner: Owner { get }
    /// The team of the key that made it; its members share it.
    var teamID: TeamID? { get }
}

extension Principal {
    /// Whether this principal may do this to that record.
    ///
    /// The same owner and, for what was made under a team, everybody of that team may do everything; an admin too; a
    /// viewer may read.
    package func may(_ action: FileAction, _ record: some OwnedRecord) -> Bool {
        if record.owner == owner { return true }
        if let team = record.teamID, team == teamID || memberships.contains(team) { return true }
        switch role {
        case .admin: return true
        case .viewer: return action == .read
        case .user: return false
        }
    }

    /// Checks that this principal may do this to that file and that the file can still be used.
    ///
    /// - Parameters:
    ///   - action: What is to be done.
    ///   - file: The file it is to be done with.
    ///   - clientID: The id as the client wrote it, for the message.
    ///   - now: The present moment, against which the expiry is held.
    /// - Throws: ``RuleError`` with `.fileAccessDenied`, or `.fileExpired` for a read of an expired file, or
    ///   `.fileNotFound` for one that is not yet made, is being deleted, or has been removed after its expiry.
    package func check(
        _ action: FileAction,
        _ file: ManagedFile,
        clientID: String,
        now: UnixTime
    ) throws(RuleError) {
        guard may(action, file) else {
            throw RuleError(.fileAccessDenied, "\(displayName) does not have access to the file \(clientID)")
        }
        if action == .delete {
            guard file.status == .ready || file.status == .deleting else { throw .fileNotFound(clientID) }
            return
        }
        if let expiresAt = file.expiresAt, expiresAt <= now, file.status != .uploading {
            throw RuleError(
                .fileExpired,
                "The file \(clientID) expired at \(expiresAt.secondsSince1970) (Unix seconds). Upload it again.",
                parameter: "file_id"
            )
        }
        guard file.status == .ready else { throw .fileNotFound(clientID) }
    }
}

extension Principal {
    /// Checks that this principal may have a file copied to a provider: who may read a file may use it where it is; to have
    /// it copied is for those it belongs to.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - clientID: The id as the client wrote it, for the message.
    ///   - modelName: For which model.
    ///   - parameter: Where the id stands.
    /// - Throws: ``RuleError`` with `.fileAccessDenied`.
    package func checkMayCopy(
        _ file: ManagedFile,
        clientID: String,
        to modelName: String,
        parameter: String
    ) throws(RuleError) {
        guard !may(.delete, file) else { return }
        throw RuleError(
            .fileAccessDenied,
            "\(displayName) may read the file \(clientID) but not have it copied to the model \(modelName). "
                + "Use a model that it was uploaded for.",
            parameter: parameter
        )
    }
}

extension RuleError {
    /// The error for an id that is unknown, deleted or forged: the three read alike.
    package static func fileNotFound(_ clientID: String) -> RuleError {
        RuleError(.fileNotFound, "No such file: \(clientID)", parameter: "file_id")
    }
}
