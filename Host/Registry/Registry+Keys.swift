import HostCore
import HostDatabase

extension Registry {
    /// Makes a key from 32 random bytes.
    ///
    /// Where an administrator makes a key of a user in a team, the user becomes a member of the team. A key that a user
    /// makes can do no more than the one in the user's hand.
    ///
    /// - Returns: The key's text, which is not stored and cannot be had again, and its record.
    /// - Throws: ``RegistryError`` with `.invalid`, also for models that its user or team may not use; `.notFound` for
    ///   its user or team; `.forbidden` or `.modelsForbidden`; `.storeUnavailable`.
    package func createKey(
        _ new: NewKey,
        by authority: KeyAuthority = .administrator
    ) async throws(RegistryError) -> CreatedKey {
        let now = clock.now()
        try check(new, at: now)
        let text = KeyText.random()
        let record = try await changePrincipals("making a key") { [dialect] connection in
            let limits = try authority.limits(at: now, in: connection, dialect)
            let made = try Self.insert(new, text: text, limits: limits, at: now, into: connection, dialect)
            return (made.record, made.affected)
        }
        return CreatedKey(text: text.text, record: record)
    }

    /// What is known about a key.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` or `.storeUnavailable`.
    package func keyRecord(for selector: KeySelector) async throws(RegistryError) -> KeyRecord {
        let found = try await inspect("reading a key") { connection in
            try connection.query("SELECT * FROM keys WHERE \(selector.column) = $1", [selector.value]).first
                .map { try KeyRecord($0) }
        }
        guard let found else { throw Self.noSuchKey }
        return found
    }

    /// One page of the keys, newest first.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func keys(_ filter: KeyFilter, page: PageRequest) async throws(RegistryError) -> RecordPage<KeyRecord> {
        try await inspect("listing keys") { connection in
            var query = RecordQuery(table: "keys")
            query.require("id", filter.id?.description)
            query.require("user_id", filter.userID?.description)
            query.require("team_id", filter.teamID?.description)
            query.require("alias", filter.alias)
            return try query.page(page, in: connection) { try KeyRecord($0) }
        }
    }

    /// Deletes keys, all or none: here they are refused from now on, on other hosts within 2 seconds.
    ///
    /// The files of a key that has neither user nor team are marked for deletion.
    ///
    /// - Parameters:
    ///   - selectors: Keys.
    ///   - aliases: Names, each of exactly one key.
    ///   - authority: On whose authority.
    /// - Returns: The ids of the keys, and how many files go with them.
    /// - Throws: ``RegistryError`` with `.notFound`, `.conflict` for a name of several keys, `.forbidden`;
    ///   `.storeUnavailable`.
    @discardableResult
    package func deleteKeys(
        _ selectors: [KeySelector],
        aliases: [String] = [],
        by authority: KeyAuthority = .administrator
    ) async throws(RegistryError) -> Deletion<KeyID> {
        let now = clock.now()
        return try await changePrincipals("deleting keys") { [dialect] connection in
            let limits = try authority.limits(at: now, in: connection, dialect)
            let named = try aliases.map { try Self.selector(ofAlias: $0, limits: limits, in: connection) }
            var ids: [KeyID] = []
            var digests: [KeyDigest] = []
            var fileCount = 0
            for selector in selectors + named {
                let key = try Self.key(selector, limits: limits, in: connection, dialect)
                guard !ids.contains(key.id) else { continue }
                ids.append(key.id)
                digests.append(key.digest)
                fileCount += try OwnedFiles.discard(of: .key(key.id), at: now, in: connection)
            }
            for id in ids { try connection.execute("DELETE FROM keys WHERE id = $1", [.text(id.description)]) }
            let deletion = Deletion(ids: ids, keyCount: ids.count, fileCount: fileCount)
            return (deletion, fileCount > 0 ? .all : .some(digests))
        }
    }

    static let noSuchKey = RegistryError(.notFound, "There is no such key.", parameter: "key")

    /// A key that whoever asks may change; without a dialect it is read and not locked.
    ///
    /// - Throws: ``RegistryError`` with `.notFound`; to a user `.forbidden` for what is missing or foreign.
    static func key(
        _ selector: KeySelector,
        limits: KeyLimits?,
        in connection: any DatabaseConnection,
        _ dialect: SQLDialect?
    ) throws -> KeyRecord {
        let found = try LockedRows.key(selector, in: connection, dialect)
        if let limits {
            guard let found, found.userID == limits.user else { throw KeyLimits.foreignKey }
            return found
        }
        guard let found else { throw noSuchKey }
        return found
    }

    /// A user names its own keys alone.
    private static func selector(
        ofAlias alias: String,
        limits: KeyLimits?,
        in connection: any DatabaseConnection
    ) throws -> KeySelector {
        var sql = SQLText()
        var condition = "alias = \(sql.bind(.text(alias)))"
        if let limits { condition += " AND user_id = \(sql.bind(.text(limits.user.description)))" }
        let rows = try connection.query("SELECT id FROM keys WHERE \(condition) LIMIT 2", sql.arguments)
        guard let row = rows.first else { throw limits == nil ? noSuchKey : KeyLimits.foreignKey }
        guard rows.count == 1 else {
            throw RegistryError(
                .conflict,
                "Several keys have this alias: name them by their ids.",
                parameter: "key_aliases"
            )
        }
        return .id(KeyID(try row.text("id")))
    }

    func check(_ new: NewKey, at now: UnixTime) throws(RegistryError) {
        if let user = new.userID { try FieldRules.checkID(user.description, parameter: "user_id") }
        if let team = new.teamID { try FieldRules.checkID(team.description, parameter: "team_id") }
        try FieldRules.checkLabel(new.alias, parameter: "key_alias")
        try FieldRules.checkModels(new.models)
        try FieldRules.checkExtras(metadata: new.metadata, maximumBudget: new.maximumBudget)
        try new.expiry.check(at: now)
    }

    /// Inserts a key; the rows of its team and user are locked until the end of the transaction.
    static func insert(
        _ new: NewKey,
        text: KeyText,
        limits: KeyLimits?,
        at now: UnixTime,
        into connection: any DatabaseConnection,
        _ dialect: SQLDialect
    ) throws -> (record: KeyRecord, affected: AffectedKeys) {
        try limits?.checkReach(user: new.userID, team: new.teamID, in: connection)
        try limits?.checkNamed(new.models)
        let ownership = try KeyOwnership(user: new.userID, team: new.teamID, in: connection, dialect)
        var models = new.models
        var expiresAt = new.expiry.moment(from: now)
        if let limits {
            if models.isEmpty { models = try limits.inheritedModels(team: new.teamID) }
            if expiresAt == nil { expiresAt = limits.own.expiresAt }
            try limits.check(
                ownership.powers(
                    role: new.role,
                    models: models,
                    allowsRawFileIDs: new.allowsRawFileIDs,
                    expiresAt: expiresAt
                )
            )
            try limits.checkCount(in: connection)
        }
        try ownership.check(models)
        let isNewMember = try ownership.ensureMembership(by: limits, at: now, in: connection)
        let record = try insert(
            new,
            text: text,
            models: models,
            expiresAt: expiresAt,
            isBlockedByUser: new.isBlocked && limits != nil,
            at: now,
            into: connection
        )
        return (record, isNewMember ? .all : .some([record.digest]))
    }

    private static func insert(
        _ new: NewKey,
        text: KeyText,
        models: [String],
        expiresAt: UnixTime?,
        isBlockedByUser: Bool,
        at now: UnixTime,
        into connection: any DatabaseConnection
    ) throws -> KeyRecord {
        let rows = try connection.query(
            """
            INSERT INTO keys (id, digest, display, alias, user_id, team_id, models, role, metadata, allow_raw_file_ids,
                blocked, blocked_by_user, created_at, expires_at, max_budget)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING *
            """,
            [
                .text(new.id.description), .blob(text.digest.bytes), .text(text.display),
                DatabaseValue(new.alias), DatabaseValue(new.userID?.description),
                DatabaseValue(new.teamID?.description), .text(JSONText.encode(models)),
                DatabaseValue(new.role?.rawValue), DatabaseValue(new.metadata),
                DatabaseValue(new.allowsRawFileIDs), DatabaseValue(new.isBlocked), DatabaseValue(isBlockedByUser),
                .integer(now.secondsSince1970),
                DatabaseValue(expiresAt?.secondsSince1970), DatabaseValue(new.maximumBudget),
            ]
        )
        guard let row = rows.first else { throw RegistryError.unreadable("key") }
        return try KeyRecord(row)
    }
}
