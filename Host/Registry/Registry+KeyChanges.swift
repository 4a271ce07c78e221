import HostCore
import HostDatabase

extension Registry {
    /// Changes a key: here from now on, on other hosts within 2 seconds.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.notFound`, `.forbidden`, `.modelsForbidden`, or
    ///   `.storeUnavailable`.
    @discardableResult
    package func updateKey(
        _ selector: KeySelector,
        _ change: KeyChange,
        by authority: KeyAuthority = .administrator
    ) async throws(RegistryError) -> KeyRecord {
        try await changeKey("changing a key", selector, change, text: nil, by: authority)
    }

    /// Gives a key a new text, and perhaps other properties; the old text is refused.
    ///
    /// The key keeps its id, so that its files stay its own, and a blocked key stays blocked.
    ///
    /// - Returns: The key's text, which is not stored and cannot be had again, and its record.
    /// - Throws: ``RegistryError`` with `.invalid`, `.notFound`, `.forbidden`, `.modelsForbidden`, or
    ///   `.storeUnavailable`.
    package func regenerateKey(
        _ selector: KeySelector,
        _ change: KeyChange = KeyChange(),
        by authority: KeyAuthority = .administrator
    ) async throws(RegistryError) -> CreatedKey {
        let text = KeyText.random()
        let record = try await changeKey("making a key anew", selector, change, text: text, by: authority)
        return CreatedKey(text: text.text, record: record)
    }

    private func changeKey(
        _ purpose: String,
        _ selector: KeySelector,
        _ change: KeyChange,
        text: KeyText?,
        by authority: KeyAuthority
    ) async throws(RegistryError) -> KeyRecord {
        let now = clock.now()
        try check(change, at: now)
        return try await changePrincipals(purpose) { [dialect] connection in
            let limits = try authority.limits(at: now, in: connection, dialect)
            // The team's and the user's rows are locked before the key's, as everybody does; so it is read twice.
            let before = try Self.key(selector, limits: limits, in: connection, nil)
            try limits?.checkReach(user: change.userID, team: change.teamID, in: connection)
            try limits?.checkNamed(change.models)
            let ownership = try KeyOwnership(
                user: change.userID ?? before.userID,
                team: change.teamID ?? before.teamID,
                in: connection,
                dialect
            )
            let old = try Self.key(selector, limits: limits, in: connection, dialect)
            guard old.userID == before.userID, old.teamID == before.teamID else {
                throw RegistryError(.conflict, "The key was changed by another request: try again.")
            }
            let next = KeyState(old, change, text: text, now: now)
            try next.check(change, old: old, ownership: ownership, limits: limits, isRegenerated: text != nil)
            let isNewMember =
                change.touchesOwnership
                ? try ownership.ensureMembership(by: limits, at: now, in: connection) : false
            let hasPassed = try Self.passFiles(of: old, to: ownership, in: connection)
            let record = try next.write(to: old.id, ownership, byOwner: limits != nil, in: connection)
            return (record, isNewMember || hasPassed ? .all : .some([old.digest, record.digest]))
        }
    }

    private func check(_ change: KeyChange, at now: UnixTime) throws(RegistryError) {
        if let user = change.userID { try FieldRules.checkID(user.description, parameter: "user_id") }
        if let team = change.teamID { try FieldRules.checkID(team.description, parameter: "team_id") }
        try FieldRules.checkLabel(change.alias, parameter: "key_alias")
        try FieldRules.checkModels(change.models ?? [])
        try FieldRules.checkExtras(metadata: change.metadata, maximumBudget: change.maximumBudget)
        try change.expiry?.check(at: now)
    }

    /// The files of a key that had neither user nor team go with it to its first one.
    private static func passFiles(
        of old: KeyRecord,
        to ownership: KeyOwnership,
        in connection: any DatabaseConnection
    ) throws -> Bool {
        guard old.userID == nil, old.teamID == nil else { return false }
        let heir: Owner
        if let user = ownership.userID {
            heir = .user(user)
        } else if let team = ownership.teamID {
            heir = .team(team)
        } else {
            return false
        }
        try OwnedFiles.pass(from: .key(old.id), to: heir, in: connection)
        return true
    }
}

/// The properties of a key as they are going to be.
private struct KeyState {
    let digest: KeyDigest
    let display: String
    let alias: String?
    let models: [String]
    let metadata: String?
    let allowsRawFileIDs: Bool
    let isBlocked: Bool
    /// Whether who blocks or unblocks changes hands.
    let blockChanges: Bool
    let expiresAt: UnixTime?
    let maximumBudget: Double?

    init(_ old: KeyRecord, _ change: KeyChange, text: KeyText?, now: UnixTime) {
        digest = text?.digest ?? old.digest
        display = text?.display ?? old.display
        alias = change.alias.map { $0.isEmpty ? nil : $0 } ?? old.alias
        models = change.models ?? old.models
        metadata = change.metadata ?? old.metadata
        allowsRawFileIDs = change.allowsRawFileIDs ?? old.allowsRawFileIDs
        isBlocked = change.isBlocked ?? old.isBlocked
        blockChanges = change.isBlocked != nil
        expiresAt = change.expiry.map { $0.moment(from: now) } ?? old.expiresAt
        maximumBudget = change.maximumBudget ?? old.maximumBudget
    }

    /// - Throws: ``RegistryError`` with `.invalid`, `.forbidden` or `.modelsForbidden`.
    func check(
        _ change: KeyChange,
        old: KeyRecord,
        ownership: KeyOwnership,
        limits: KeyLimits?,
        isRegenerated: Bool
    ) throws(RegistryError) {
        if change.touchesOwnership { try ownership.check(models) }
        guard let limits else { return }
        if change.maximumBudget != nil {
            throw RegistryError(.forbidden, "Only an administrator may change a budget.", parameter: "max_budget")
        }
        if change.isBlocked == false, old.isBlocked, !old.isBlockedByUser {
            throw RegistryError(
                .forbidden,
                "An administrator blocked this key: only an administrator may unblock it.",
                parameter: "key"
            )
        }
        guard isRegenerated || change.mayGrant else { return }
        try limits.check(
            ownership.powers(
                role: old.role,
                models: models,
                allowsRawFileIDs: allowsRawFileIDs,
                expiresAt: expiresAt
            )
        )
    }

    /// A user who blocks what is blocked already does not become the one who did it.
    func write(
        to id: KeyID,
        _ ownership: KeyOwnership,
        byOwner: Bool,
        in connection: any DatabaseConnection
    ) throws -> KeyRecord {
        let blocker =
            switch (blockChanges, byOwner) {
            case (false, _): "blocked_by_user"
            case (true, true): "CASE WHEN blocked = 0 THEN 1 ELSE blocked_by_user END"
            case (true, false): "0"
            }
        let rows = try connection.query(
            """
            UPDATE keys SET digest = $1, display = $2, alias = $3, user_id = $4, team_id = $5, models = $6,
                metadata = $7, allow_raw_file_ids = $8, blocked_by_user = \(blocker), blocked = $9, expires_at = $10,
                max_budget = $11
            WHERE id = $12 RETURNING *
            """,
            [
                .blob(digest.bytes), .text(display), DatabaseValue(alias),
                DatabaseValue(ownership.userID?.description), DatabaseValue(ownership.teamID?.description),
                .text(JSONText.encode(models)), DatabaseValue(metadata), DatabaseValue(allowsRawFileIDs),
                DatabaseValue(isBlocked), DatabaseValue(expiresAt?.secondsSince1970), DatabaseValue(maximumBudget),
                .text(id.description),
            ]
        )
        guard let row = rows.first else { throw Registry.noSuchKey }
        return try KeyRecord(row)
    }
}
