import HostCore
import HostDatabase

/// What becomes of somebody's batches, jobs and responses when it is deleted; ``OwnedFiles`` is called, and calls this.
enum OwnedObjects {
    /// Has everything of an owner that still is at a provider undone by a sweep, and drops the records of the rest: the
    /// results of a batch or job that is over are files, and go as such.
    ///
    /// An object that is still being made stays with whoever makes it: that one is refused when it wants to go on, and
    /// undoes it.
    static func discard(
        of owner: Owner,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws(DatabaseError) {
        let time = DatabaseValue.integer(now.secondsSince1970)
        try connection.execute(
            """
            DELETE FROM objects WHERE kind IN ('batch', 'job') AND owner_kind = $1 AND owner_id = $2
                AND stage = 'settled'
            """,
            [owner.stored.kind, owner.stored.id]
        )
        try connection.execute(
            """
            UPDATE objects SET worker = CASE WHEN stage = 'creating' THEN worker ELSE NULL END, stage = 'gone',
                due_at = $1, failures = 0, updated_at = $1
            WHERE kind IN ('batch', 'job', 'response') AND owner_kind = $2 AND owner_id = $3 AND stage <> 'gone'
            """,
            [time, owner.stored.kind, owner.stored.id]
        )
    }

    /// Gives the objects of one owner to another.
    static func pass(
        from owner: Owner,
        to heir: Owner,
        in connection: any DatabaseConnection
    ) throws(DatabaseError) {
        try connection.execute(
            """
            UPDATE objects SET owner_kind = $1, owner_id = $2
            WHERE kind IN ('batch', 'job', 'response') AND owner_kind = $3 AND owner_id = $4
            """,
            [heir.stored.kind, heir.stored.id, owner.stored.kind, owner.stored.id]
        )
    }

    /// Gives the objects that an owner made under teams to those teams.
    static func passToTeams(from owner: Owner, in connection: any DatabaseConnection) throws(DatabaseError) {
        try connection.execute(
            """
            UPDATE objects SET owner_kind = 'team', owner_id = team_id
            WHERE kind IN ('batch', 'job', 'response') AND owner_kind = $1 AND owner_id = $2 AND team_id IS NOT NULL
            """,
            [owner.stored.kind, owner.stored.id]
        )
    }

    /// Makes the objects that were made under a team their owners' alone.
    static func leave(_ team: TeamID, in connection: any DatabaseConnection) throws(DatabaseError) {
        try connection.execute(
            """
            UPDATE objects SET team_id = NULL
            WHERE kind IN ('batch', 'job', 'response') AND team_id = $1 AND owner_kind <> 'team'
            """,
            [.text(team.description)]
        )
    }
}
