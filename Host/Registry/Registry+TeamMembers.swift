import HostCore
import HostDatabase

extension Registry {
    /// Adds members to a team, or changes what members are called; all or none.
    ///
    /// From now on they share the files that are made under the team.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` for the team or a user, `.invalid` if a team or user has as many as
    ///   can be, or `.storeUnavailable`.
    @discardableResult
    package func addMembers(_ members: [TeamMember], to id: TeamID) async throws(RegistryError) -> TeamRecord {
        let now = clock.now()
        return try await changePrincipals("adding members to a team") { [dialect] connection in
            _ = try LockedRows.team(id, in: connection, dialect)
            try TeamRows.add(members, to: id, at: now, in: connection, dialect)
            return (try Self.existing(id, in: connection), .all)
        }
    }

    /// Removes a member from a team, and deletes its keys of that team.
    ///
    /// What the member made under the team stays the member's and is still shared with the team.
    ///
    /// - Returns: The team, and how many keys were deleted.
    /// - Throws: ``RegistryError`` with `.notFound` or `.storeUnavailable`.
    @discardableResult
    package func removeMember(
        _ user: UserID,
        from id: TeamID
    ) async throws(RegistryError) -> (team: TeamRecord, keyCount: Int) {
        try await changePrincipals("removing a member of a team") { [dialect] connection in
            _ = try LockedRows.team(id, in: connection, dialect)
            let arguments: [DatabaseValue] = [.text(id.description), .text(user.description)]
            let removed = try connection.execute(
                "DELETE FROM team_members WHERE team_id = $1 AND user_id = $2",
                arguments
            )
            guard removed == 1 else {
                throw RegistryError(.notFound, "The user is not a member of this team.", parameter: "user_id")
            }
            let keys = try connection.execute("DELETE FROM keys WHERE team_id = $1 AND user_id = $2", arguments)
            return ((team: try Self.existing(id, in: connection), keyCount: keys), .all)
        }
    }
}
