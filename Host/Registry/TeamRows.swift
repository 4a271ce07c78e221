import HostCore
import HostDatabase

/// Teams and their members as they stand in the tables.
enum TeamRows {
    static let maximumMembers = 1000
    static let maximumTeamsOfUser = 100

    static func isMember(_ user: UserID, of team: TeamID, in connection: any DatabaseConnection) throws -> Bool {
        let found = try connection.query(
            "SELECT role FROM team_members WHERE team_id = $1 AND user_id = $2",
            [.text(team.description), .text(user.description)]
        )
        return !found.isEmpty
    }

    /// Adds a member, or changes the role of one; the rows of the team and the user are locked.
    ///
    /// - Throws: ``RegistryError`` with `.invalid` if the team or the user has as many as can be.
    static func add(
        _ member: TeamMember,
        to team: TeamID,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        try connection.execute(
            """
            INSERT INTO team_members (team_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role
            """,
            [
                .text(team.description), .text(member.userID.description), .text(member.role.rawValue),
                .integer(now.secondsSince1970),
            ]
        )
        guard try count("team_id", team.description, in: connection) <= maximumMembers else {
            throw RegistryError(.invalid, "A team has at most \(maximumMembers) members.", parameter: "member")
        }
        guard try count("user_id", member.userID.description, in: connection) <= maximumTeamsOfUser else {
            throw RegistryError(
                .invalid,
                "A user is a member of at most \(maximumTeamsOfUser) teams.",
                parameter: "member"
            )
        }
    }

    /// Adds several members, whose rows are locked in the order of their ids so that nobody waits for each other.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` for a user, or `.invalid`.
    static func add(
        _ members: [TeamMember],
        to team: TeamID,
        at now: UnixTime,
        in connection: any DatabaseConnection,
        _ dialect: SQLDialect
    ) throws {
        for id in members.map(\.userID).sorted(by: { $0.description < $1.description }) {
            _ = try LockedRows.user(id, in: connection, dialect)
        }
        for member in members { try add(member, to: team, at: now, in: connection) }
    }

    /// Finds one team with its members.
    static func team(_ id: TeamID, in connection: any DatabaseConnection) throws -> TeamRecord? {
        guard
            let row = try connection.query("SELECT * FROM teams WHERE id = $1", [.text(id.description)]).first
        else { return nil }
        return try TeamRecord(row, members: members(of: [id], in: connection)[id] ?? [])
    }

    /// The members of several teams.
    static func members(
        of teams: [TeamID],
        in connection: any DatabaseConnection
    ) throws -> [TeamID: [TeamMember]] {
        guard !teams.isEmpty else { return [:] }
        var sql = SQLText()
        let list = sql.bind(list: teams.map { .text($0.description) })
        let rows = try connection.query(
            """
            SELECT team_id, user_id, role FROM team_members WHERE team_id IN (\(list))
            ORDER BY team_id, created_at, user_id
            """,
            sql.arguments
        )
        var members: [TeamID: [TeamMember]] = [:]
        for row in rows {
            guard let role = TeamRole(rawValue: try row.text("role")) else { throw RegistryError.unreadable("role") }
            members[TeamID(try row.text("team_id")), default: []]
                .append(TeamMember(userID: UserID(try row.text("user_id")), role: role))
        }
        return members
    }

    private static func count(_ column: String, _ id: String, in connection: any DatabaseConnection) throws -> Int64 {
        let sql = "SELECT COUNT(*) AS number FROM team_members WHERE \(column) = $1"
        return try connection.query(sql, [.text(id)]).first?.integer("number") ?? 0
    }
}
