import HostCore
import HostDatabase

/// What a key may be at most that a user makes or changes: no more than the key in the user's hand.
struct KeyLimits {
    private static let maximumKeys = 1000

    let user: UserID
    let principal: Principal
    /// The key in the user's hand.
    let own: KeyRecord

    /// The models of a new key that names none: what the key in hand may use.
    ///
    /// - Returns: An empty list where the new key is bound by the same user and team as the key in hand.
    /// - Throws: ``RegistryError`` with `.modelsForbidden` if that is nothing: an empty list would be everything.
    func inheritedModels(team: TeamID?) throws(RegistryError) -> [String] {
        if own.models.isEmpty, own.teamID == nil || own.teamID == team { return [] }
        guard case .only(let names) = principal.models else { return [] }
        guard !names.isEmpty else { throw Self.tooManyModels }
        return names.sorted()
    }

    /// Checks the models that a request names, before anything is said about what its user or team may use.
    ///
    /// - Throws: ``RegistryError`` with `.modelsForbidden`.
    func checkNamed(_ models: [String]?) throws(RegistryError) {
        guard let models, !models.isEmpty else { return }
        guard ModelAllowance(models: models).isSubset(of: principal.models) else { throw Self.tooManyModels }
    }

    /// Checks a key as it is going to be.
    ///
    /// - Throws: ``RegistryError`` with `.forbidden` or `.modelsForbidden`.
    func check(_ key: KeyPowers) throws(RegistryError) {
        guard key.userID == user else { throw Self.foreignUser }
        guard key.role == .user else {
            throw RegistryError(
                .forbidden,
                "The key would have the role of its user, which the key of this request has not.",
                parameter: "user_id"
            )
        }
        guard !key.allowsRawFileIDs || own.allowsRawFileIDs else {
            throw RegistryError(
                .forbidden,
                "Only an administrator may allow raw file ids.",
                parameter: "allow_raw_file_ids"
            )
        }
        if let latest = own.expiresAt, key.expiresAt.map({ $0 > latest }) ?? true {
            throw RegistryError(.forbidden, "No key may outlive the key it is made with.", parameter: "duration")
        }
        guard key.models.isSubset(of: principal.models) else { throw Self.tooManyModels }
    }

    /// Checks that a key is to be the user's own, and of a team of the user's, before anything is said about others.
    ///
    /// - Throws: ``RegistryError`` with `.forbidden`, whether or not there is such a user or team.
    func checkReach(user asked: UserID?, team: TeamID?, in connection: any DatabaseConnection) throws {
        guard asked == nil || asked == user else { throw Self.foreignUser }
        guard let team else { return }
        guard try TeamRows.isMember(user, of: team, in: connection) else { throw Self.foreignTeam }
    }

    /// Checks that a user does not make keys without end; the user's row is locked.
    func checkCount(in connection: any DatabaseConnection) throws {
        let rows = try connection.query(
            "SELECT COUNT(*) AS number FROM keys WHERE user_id = $1",
            [.text(user.description)]
        )
        guard try rows.first?.integer("number") ?? 0 < Self.maximumKeys else {
            throw RegistryError(.invalid, "A user has at most \(Self.maximumKeys) keys: delete some first.")
        }
    }

    /// The refusal for a key that is somebody else's, and for one that does not exist: they cannot be told apart.
    static let foreignKey = RegistryError(
        .forbidden,
        "A user may only use this on keys of its own.",
        parameter: "key"
    )

    /// The refusal for a team that the user is no member of, and for one that does not exist.
    static let foreignTeam = RegistryError(
        .forbidden,
        "The user is not a member of this team: an administrator can add it.",
        parameter: "team_id"
    )

    private static let foreignUser = RegistryError(
        .forbidden,
        "A user may only make and change keys of its own.",
        parameter: "user_id"
    )

    private static let tooManyModels = RegistryError(
        .modelsForbidden,
        "The key would be allowed models that the key of this request is not.",
        parameter: "models"
    )
}

/// What a key can do, with the limits of its user and team.
struct KeyPowers {
    let userID: UserID?
    let role: Role
    let models: ModelAllowance
    let allowsRawFileIDs: Bool
    let expiresAt: UnixTime?
}
