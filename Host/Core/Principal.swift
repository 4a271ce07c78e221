/// What a key may do beside using its own files.
package enum Role: String, Sendable, CaseIterable {
    /// Everything, for everybody.
    case admin = "proxy_admin"
    /// Reads everything, changes nothing that is not its own.
    case viewer = "proxy_admin_viewer"
    /// Its own files and the models it was given.
    case user = "internal_user"
}

/// Which model names a key may use.
package enum ModelAllowance: Hashable, Sendable {
    /// Every configured model.
    case all
    /// These names alone: model names, deployment ids or upstream model strings.
    case only(Set<String>)

    /// Makes the allowance of a key's `models`: an empty list and `all-proxy-models` allow everything.
    package init(models: [String]) {
        let everything = models.isEmpty || models.contains("all-proxy-models") || models.contains("*")
        self = everything ? .all : .only(Set(models))
    }

    /// Whether one of these spellings of a model was given.
    package func allows(anyOf names: String...) -> Bool {
        switch self {
        case .all: true
        case .only(let allowed): names.contains(where: allowed.contains)
        }
    }
}

/// To whom a file, batch, job or response belongs: exactly one of these.
package enum Owner: Hashable, Sendable {
    case user(UserID)
    case team(TeamID)
    case key(KeyID)
}

/// Who asks: the bearer of one API key.
package struct Principal: Hashable, Sendable {
    package let keyID: KeyID
    package let userID: UserID?
    /// The team that the key was made for.
    package let teamID: TeamID?
    /// The teams that the key's user is a member of.
    package let memberships: Set<TeamID>
    package let role: Role
    package let models: ModelAllowance
    package let allowsRawFileIDs: Bool

    /// Makes a principal.
    package init(
        keyID: KeyID,
        userID: UserID?,
        teamID: TeamID?,
        memberships: Set<TeamID> = [],
        role: Role,
        models: ModelAllowance,
        allowsRawFileIDs: Bool = false
    ) {
        self.keyID = keyID
        self.userID = userID
        self.teamID = teamID
        self.memberships = memberships
        self.role = role
        self.models = models
        self.allowsRawFileIDs = allowsRawFileIDs
    }

    /// The owner of what this principal creates: the key's user, else its team, else the key itself.
    package var owner: Owner {
        if let userID { return .user(userID) }
        if let teamID { return .team(teamID) }
        return .key(keyID)
    }

    /// The teams whose files this principal shares.
    package var sharedTeams: Set<TeamID> { teamID.map { memberships.union([$0]) } ?? memberships }

    /// How messages name this principal.
    package var displayName: String {
        switch owner {
        case .user(let id): "User \(id)"
        case .team(let id): "Team \(id)"
        case .key(let id): "Key \(id)"
        }
    }

    /// The user that the master key acts as; no other key can be made for it.
    package static let masterUser = UserID("default_user_id")

    /// The bearer of the master key.
    package static let master = Principal(
        keyID: KeyID("master"),
        userID: masterUser,
        teamID: nil,
        role: .admin,
        models: .all
    )
}
