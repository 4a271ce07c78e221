import HostCore
import HostDatabase

/// What becomes of somebody's uploads in parts when it is deleted.
enum OwnedUploads {
    /// Forgets every upload of an owner, so that a later owner of the same id inherits nothing.
    ///
    /// Each host removes the parts that it has. One that is being completed cannot be committed any more.
    static func discard(of owner: Owner, in connection: any DatabaseConnection) throws(DatabaseError) {
        let (kind, id) = owner.stored
        try connection.execute("DELETE FROM uploads WHERE owner_kind = $1 AND owner_id = $2", [kind, id])
    }

    /// Gives the uploads of one owner to another.
    static func pass(
        from owner: Owner,
        to heir: Owner,
        in connection: any DatabaseConnection
    ) throws(DatabaseError) {
        try connection.execute(
            "UPDATE uploads SET owner_kind = $1, owner_id = $2 WHERE owner_kind = $3 AND owner_id = $4",
            [heir.stored.kind, heir.stored.id, owner.stored.kind, owner.stored.id]
        )
    }

    /// Gives the uploads that an owner began under teams to those teams.
    static func passToTeams(from owner: Owner, in connection: any DatabaseConnection) throws(DatabaseError) {
        try connection.execute(
            """
            UPDATE uploads SET owner_kind = 'team', owner_id = team_id
            WHERE owner_kind = $1 AND owner_id = $2 AND team_id IS NOT NULL
            """,
            [owner.stored.kind, owner.stored.id]
        )
    }

    /// Makes the uploads that were begun under a team their owners' alone.
    static func leave(_ team: TeamID, in connection: any DatabaseConnection) throws(DatabaseError) {
        try connection.execute(
            "UPDATE uploads SET team_id = NULL WHERE team_id = $1 AND owner_kind <> 'team'",
            [.text(team.description)]
        )
    }
}
