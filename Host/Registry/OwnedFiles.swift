import HostCore
import HostDatabase

/// What becomes of somebody's files, and of what was made of them, when it is deleted.
///
/// Objects come first: one that is being settled has either made its files by then, which the statements after it see, or
/// waits and finds the new owner. Every statement names the states that it is for, since each state has an index of its own.
enum OwnedFiles {
    /// Marks every file of an owner for deletion and forgets what is remembered of the others, so that a later owner
    /// of the same id inherits nothing.
    ///
    /// A sweep deletes the copies. A file that is still being made stays with whoever makes it: that one is refused
    /// when it wants to go on, and undoes it.
    ///
    /// - Returns: How many files were marked.
    static func discard(
        of owner: Owner,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws(DatabaseError) -> Int {
        try OwnedObjects.discard(of: owner, at: now, in: connection)
        let time = DatabaseValue.integer(now.secondsSince1970)
        let (kind, id) = owner.stored
        let isOwned = "owner_kind = $2 AND owner_id = $3"
        for status in ["ready", "uploading", "expired"] {
            try connection.execute(
                """
                UPDATE file_copies SET updated_at = $1, worker = NULL, retry_at = 0, failures = 0,
                    state = \(FileRows.stateOfUnwanted)
                WHERE file_id IN (SELECT id FROM files WHERE \(isOwned) AND status = '\(status)')
                """,
                [time, kind, id]
            )
        }
        let usable = try connection.execute(
            """
            UPDATE files SET status = 'deleting', updated_at = $1, worker = NULL, retry_at = 0, failures = 0
            WHERE \(isOwned) AND status = 'ready'
            """,
            [time, kind, id]
        )
        let unfinished = try connection.execute(
            "UPDATE files SET status = 'deleting', updated_at = $1 WHERE \(isOwned) AND status = 'uploading'",
            [time, kind, id]
        )
        try forgetPlaces(of: owner, at: now, in: connection)
        try OwnedUploads.discard(of: owner, in: connection)
        return usable + unfinished
    }

    /// Gives the files of one owner to another.
    static func pass(
        from owner: Owner,
        to heir: Owner,
        in connection: any DatabaseConnection
    ) throws(DatabaseError) {
        try OwnedObjects.pass(from: owner, to: heir, in: connection)
        for states in everyState {
            try connection.execute(
                """
                UPDATE files SET owner_kind = $1, owner_id = $2
                WHERE owner_kind = $3 AND owner_id = $4 AND \(states)
                """,
                [heir.stored.kind, heir.stored.id, owner.stored.kind, owner.stored.id]
            )
        }
        try connection.execute(
            """
            UPDATE file_targets SET owner_kind = $1, owner_id = $2 WHERE owner_kind = $3 AND owner_id = $4
            """,
            [heir.stored.kind, heir.stored.id, owner.stored.kind, owner.stored.id]
        )
        try OwnedUploads.pass(from: owner, to: heir, in: connection)
    }

    /// Gives the files that an owner made under teams to those teams.
    static func passToTeams(from owner: Owner, in connection: any DatabaseConnection) throws(DatabaseError) {
        try OwnedObjects.passToTeams(from: owner, in: connection)
        for states in everyState {
            try connection.execute(
                """
                UPDATE files SET owner_kind = 'team', owner_id = team_id
                WHERE owner_kind = $1 AND owner_id = $2 AND team_id IS NOT NULL AND \(states)
                """,
                [owner.stored.kind, owner.stored.id]
            )
        }
        try connection.execute(
            """
            UPDATE file_targets SET owner_kind = 'team', owner_id = team_id
            WHERE owner_kind = $1 AND owner_id = $2 AND team_id IS NOT NULL
            """,
            [owner.stored.kind, owner.stored.id]
        )
        try OwnedUploads.passToTeams(from: owner, in: connection)
    }

    /// Makes the files that were made under a team their owners' alone.
    static func leave(_ team: TeamID, in connection: any DatabaseConnection) throws(DatabaseError) {
        try OwnedObjects.leave(team, in: connection)
        for states in everyState {
            try connection.execute(
                "UPDATE files SET team_id = NULL WHERE team_id = $1 AND owner_kind <> 'team' AND \(states)",
                [.text(team.description)]
            )
        }
        try connection.execute(
            "UPDATE file_targets SET team_id = NULL WHERE team_id = $1 AND owner_kind <> 'team'",
            [.text(team.description)]
        )
        try OwnedUploads.leave(team, in: connection)
    }

    private static let everyState = [
        "status = 'ready'", "status IN ('uploading', 'deleting')", "status IN ('deleted', 'expired')",
        "status = 'internal'",
    ]

    /// What has expired is no longer told to anybody, and repeated uploads are not recognised.
    private static func forgetPlaces(
        of owner: Owner,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws(DatabaseError) {
        let (kind, id) = owner.stored
        try connection.execute(
            """
            UPDATE files SET status = 'deleting', updated_at = $1
            WHERE owner_kind = $2 AND owner_id = $3 AND status = 'expired'
            """,
            [.integer(now.secondsSince1970), kind, id]
        )
        try connection.execute("DELETE FROM upload_keys WHERE owner_kind = $1 AND owner_id = $2", [kind, id])
    }
}
