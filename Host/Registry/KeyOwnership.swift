import HostCore
import HostDatabase

/// The user and the team that a key is made for, with their rows locked until the end of the transaction.
struct KeyOwnership {
    let userID: UserID?
    let teamID: TeamID?
    private let userModels: ModelAllowance
    private let teamModels: ModelAllowance
    private let userRole: Role?

    /// Reads and locks the rows: first the team's, then the user's, as everybody does.
    ///
    /// - Throws: ``RegistryError`` with `.notFound`.
    init(
        user: UserID?,
        team: TeamID?,
        in connection: any DatabaseConnection,
        _ dialect: SQLDialect
    ) throws {
        userID = user
        teamID = team
        let teamRow = try team.map { try LockedRows.team($0, in: connection, dialect) }
        let userRow = try user.map { try LockedRows.user($0, in: connection, dialect) }
        teamModels = try Self.allowance(teamRow)
        userModels = try Self.allowance(userRow)
        userRole = try userRow?.role("role")
    }

    /// Checks that a key's own list names nothing that its user or team may not use.
    ///
    /// A key without a list of its own gets its user's and team's at every use.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`.
    func check(_ models: [String]) throws(RegistryError) {
        guard !models.isEmpty else { return }
        for (allowed, parameter) in [(userModels, "user_id"), (teamModels, "team_id")]
        where !ModelAllowance(models: models).isSubset(of: allowed) {
            throw RegistryError(
                .invalid,
                "The key names models that its \(parameter) may not use: leave them out, or allow them there first.",
                parameter: "models"
            )
        }
    }

    /// Makes the key's user a member of the key's team.
    ///
    /// Clients of LiteLLM make keys of a user in a team without having made the user a member.
    ///
    /// - Returns: Whether it was none.
    /// - Throws: ``RegistryError`` with `.forbidden` if it is none and an administrator would have to add it.
    func ensureMembership(
        by limits: KeyLimits?,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws -> Bool {
        guard let userID, let teamID else { return false }
        if try TeamRows.isMember(userID, of: teamID, in: connection) { return false }
        guard limits == nil else { throw KeyLimits.foreignTeam }
        try TeamRows.add(TeamMember(userID: userID, role: .user), to: teamID, at: now, in: connection)
        return true
    }

    /// What a key with these properties can do.
    func powers(role: Role?, models: [String], allowsRawFileIDs: Bool, expiresAt: UnixTime?) -> KeyPowers {
        KeyPowers(
            userID: userID,
            role: role ?? userRole ?? .user,
            models: ModelAllowance(models: models).intersection(userModels).intersection(teamModels),
            allowsRawFileIDs: allowsRawFileIDs,
            expiresAt: expiresAt
        )
    }

    private static func allowance(_ row: DatabaseRow?) throws -> ModelAllowance {
        guard let row else { return .all }
        return ModelAllowance(models: try JSONText.decode(row.text("models"), column: "models"))
    }
}
