import HostCore
import HostDatabase

extension Registry {
    /// Makes a team with its first members.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if the id is taken, `.notFound` for a member, or
    ///   `.storeUnavailable`.
    @discardableResult
    package func createTeam(_ new: NewTeam) async throws(RegistryError) -> TeamRecord {
        try FieldRules.checkID(new.id.description, parameter: "team_id")
        try FieldRules.checkLabel(new.alias, parameter: "team_alias")
        try FieldRules.checkModels(new.models)
        try FieldRules.checkExtras(metadata: new.metadata, maximumBudget: new.maximumBudget)
        let now = clock.now()
        return try await changePrincipals("making a team") { [dialect] connection in
            try Self.insert(new, at: now, into: connection)
            try TeamRows.add(new.members, to: new.id, at: now, in: connection, dialect)
            let team = try Self.existing(new.id, in: connection)
            return (team, new.members.isEmpty ? .some([]) : .all)
        }
    }

    /// A team with its members and its keys, the oldest 1000.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` or `.storeUnavailable`.
    package func team(_ id: TeamID) async throws(RegistryError) -> (team: TeamRecord, keys: [KeyRecord]) {
        try await inspect("reading a team") { connection in
            let team = try Self.existing(id, in: connection)
            let keys = try connection.query(
                "SELECT * FROM keys WHERE team_id = $1 ORDER BY created_at, id LIMIT $2",
                [.text(id.description), .integer(Self.keysShownAlong)]
            )
            return (team, try keys.map { try KeyRecord($0) })
        }
    }

    /// One page of the teams with their members, newest first.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func teams(_ filter: TeamFilter, page: PageRequest) async throws(RegistryError) -> RecordPage<TeamRecord> {
        try await inspect("listing teams") { connection in
            var query = RecordQuery(table: "teams")
            query.require("id", oneOf: filter.ids?.map(\.description))
            query.require("alias", filter.alias)
            query.requireRow(
                "team_members AS m WHERE m.team_id = teams.id AND m.user_id",
                filter.member?.description
            )
            let found = try query.page(page, in: connection) { $0 }
            let ids = try found.records.map { TeamID(try $0.text("id")) }
            let members = try TeamRows.members(of: ids, in: connection)
            return RecordPage(
                records: try zip(ids, found.records).map { try TeamRecord($1, members: members[$0] ?? []) },
                totalCount: found.totalCount,
                request: page
            )
        }
    }

    /// Changes a team, and with it what its keys may do: here from now on, on other hosts within 2 seconds.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.notFound` or `.storeUnavailable`.
    @discardableResult
    package func updateTeam(_ id: TeamID, _ change: TeamChange) async throws(RegistryError) -> TeamRecord {
        try FieldRules.checkLabel(change.alias, parameter: "team_alias")
        try FieldRules.checkModels(change.models ?? [])
        try FieldRules.checkExtras(metadata: change.metadata, maximumBudget: change.maximumBudget)
        return try await changePrincipals("changing a team") { [dialect] connection in
            let old = try TeamRecord(LockedRows.team(id, in: connection, dialect), members: [])
            try connection.execute(
                """
                UPDATE teams SET alias = $1, models = $2, metadata = $3, max_budget = $4, blocked = $5 WHERE id = $6
                """,
                [
                    DatabaseValue(Self.label(change.alias, old.alias)),
                    .text(JSONText.encode(change.models ?? old.models)),
                    DatabaseValue(change.metadata ?? old.metadata),
                    DatabaseValue(change.maximumBudget ?? old.maximumBudget),
                    DatabaseValue(change.isBlocked ?? old.isBlocked), .text(id.description),
                ]
            )
            let grantsOrTakes = change.models != nil || change.isBlocked != nil
            return (try Self.existing(id, in: connection), grantsOrTakes ? .all : .some([]))
        }
    }

    /// Deletes teams with their keys and memberships, all or none.
    ///
    /// Files that a team owns are marked for deletion in the same transaction; what users made under it stays theirs
    /// alone.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` or `.storeUnavailable`.
    @discardableResult
    package func deleteTeams(_ ids: [TeamID]) async throws(RegistryError) -> Deletion<TeamID> {
        let now = clock.now()
        var seen: Set<TeamID> = []
        let wanted = ids.filter { seen.insert($0).inserted }
        return try await changePrincipals("deleting teams") { [dialect] connection in
            for id in wanted.sorted(by: { $0.description < $1.description }) {
                _ = try LockedRows.team(id, in: connection, dialect)
            }
            var fileCount = 0
            var keyCount = 0
            for id in wanted {
                try OwnedFiles.leave(id, in: connection)
                fileCount += try OwnedFiles.discard(of: .team(id), at: now, in: connection)
                let value = DatabaseValue.text(id.description)
                keyCount += try connection.execute("DELETE FROM keys WHERE team_id = $1", [value])
                try connection.execute("DELETE FROM teams WHERE id = $1", [value])
            }
            return (Deletion(ids: wanted, keyCount: keyCount, fileCount: fileCount), .all)
        }
    }

    /// A team that has to be there.
    static func existing(_ id: TeamID, in connection: any DatabaseConnection) throws -> TeamRecord {
        guard let team = try TeamRows.team(id, in: connection) else {
            throw RegistryError(.notFound, "There is no such team.", parameter: "team_id")
        }
        return team
    }

    private static func insert(_ new: NewTeam, at now: UnixTime, into connection: any DatabaseConnection) throws {
        let made = try connection.execute(
            """
            INSERT INTO teams (id, alias, models, metadata, max_budget, blocked, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING
            """,
            [
                .text(new.id.description), DatabaseValue(new.alias), .text(JSONText.encode(new.models)),
                DatabaseValue(new.metadata), DatabaseValue(new.maximumBudget), DatabaseValue(new.isBlocked),
                .integer(now.secondsSince1970),
            ]
        )
        guard made == 1 else {
            throw RegistryError(.conflict, "A team with this id exists already.", parameter: "team_id")
        }
        // A request that was under way while an earlier team of this id was deleted may have left a file behind.
        try OwnedFiles.leave(new.id, in: connection)
        _ = try OwnedFiles.discard(of: .team(new.id), at: now, in: connection)
    }
}
