import HostCore
import HostDatabase

extension Registry {
    /// Makes a key from 32 random bytes.
    ///
    /// - Returns: The key's text, which is not stored and cannot be had again, and its record.
    /// - Throws: ``RegistryError`` with `.invalid`, also for models that its user or team may not use; `.notFound` for
    ///   its user or team; `.storeUnavailable`.
    package func createKey(_ new: NewKey) async throws(RegistryError) -> CreatedKey {
        try check(new)
        let now = clock.now()
        let text = KeyText.random()
        let record = try await change("making a key") { try Self.insert(new, text: text, at: now, into: $0) }
        forget([record.digest])
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
        guard let found else { throw RegistryError(.notFound, "There is no such key.", parameter: "key") }
        return found
    }

    /// Deletes keys: here they are refused from now on, on other hosts within 2 seconds.
    ///
    /// - Returns: The ids of those that existed.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    @discardableResult
    package func deleteKeys(_ selectors: [KeySelector]) async throws(RegistryError) -> [KeyID] {
        try await changeKeys("deleting keys", selectors) { selector in
            ("DELETE FROM keys WHERE \(selector.column) = $1 RETURNING id, digest", [selector.value])
        }
    }

    /// Blocks keys or lets them be used again: here from now on, on other hosts within 2 seconds.
    ///
    /// - Returns: The ids of those that exist.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    @discardableResult
    package func setBlocked(_ isBlocked: Bool, _ selectors: [KeySelector]) async throws(RegistryError) -> [KeyID] {
        try await changeKeys(isBlocked ? "blocking keys" : "unblocking keys", selectors) { selector in
            (
                "UPDATE keys SET blocked = $1 WHERE \(selector.column) = $2 RETURNING id, digest",
                [DatabaseValue(isBlocked), selector.value]
            )
        }
    }

    private func changeKeys(
        _ purpose: String,
        _ selectors: [KeySelector],
        _ statement: @escaping @Sendable (KeySelector) -> (String, [DatabaseValue])
    ) async throws(RegistryError) -> [KeyID] {
        let changed = try await change(purpose) { connection in
            try selectors.flatMap { selector in
                let (sql, arguments) = statement(selector)
                return try connection.query(sql, arguments).map { (try $0.text("id"), try $0.blob("digest")) }
            }
        }
        forget(changed.compactMap { KeyDigest(bytes: $0.1) })
        return changed.map { KeyID($0.0) }
    }

    func check(_ new: NewKey) throws(RegistryError) {
        if let user = new.userID { try FieldRules.checkID(user.description, parameter: "user_id") }
        if let team = new.teamID { try FieldRules.checkID(team.description, parameter: "team_id") }
        try FieldRules.checkLabel(new.alias, parameter: "key_alias")
        try FieldRules.checkModels(new.models)
        try FieldRules.checkExtras(metadata: new.metadata, maximumBudget: new.maximumBudget)
        if let lifetime = new.lifetime, lifetime < .seconds(1) {
            throw RegistryError(.invalid, "A key must live for at least a second.", parameter: "duration")
        }
    }

    static func insert(
        _ new: NewKey,
        text: KeyText,
        at now: UnixTime,
        into connection: any DatabaseConnection
    ) throws -> KeyRecord {
        try checkModels(of: new, against: "users", new.userID?.description, parameter: "user_id", in: connection)
        try checkModels(of: new, against: "teams", new.teamID?.description, parameter: "team_id", in: connection)
        let digest = KeyDigest(of: text.text)
        let expiresAt = new.lifetime.map { now.advanced(bySeconds: $0.components.seconds) }
        let rows = try connection.query(
            """
            INSERT INTO keys (id, digest, display, alias, user_id, team_id, models, role, metadata, allow_raw_file_ids,
                blocked, created_at, expires_at, max_budget)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13) RETURNING *
            """,
            [
                .text(RecordUUID.random().text), .blob(digest.bytes), .text(text.display), DatabaseValue(new.alias),
                DatabaseValue(new.userID?.description), DatabaseValue(new.teamID?.description),
                .text(JSONText.encode(new.models)), DatabaseValue(new.role?.rawValue), DatabaseValue(new.metadata),
                DatabaseValue(new.allowsRawFileIDs), .integer(now.secondsSince1970),
                DatabaseValue(expiresAt?.secondsSince1970), DatabaseValue(new.maximumBudget),
            ]
        )
        guard let row = rows.first else { throw RegistryError.unreadable("key") }
        return try KeyRecord(row)
    }

    /// Checks that the key's user or team exists and may use the key's models.
    private static func checkModels(
        of new: NewKey,
        against table: String,
        _ id: String?,
        parameter: String,
        in connection: any DatabaseConnection
    ) throws {
        guard let id else { return }
        guard let row = try connection.query("SELECT models FROM \(table) WHERE id = $1", [.text(id)]).first else {
            throw RegistryError(
                .notFound,
                "The key's \(parameter) names nobody: make the user or team first.",
                parameter: parameter
            )
        }
        // A key without a list of its own gets its user's and team's at every use.
        guard !new.models.isEmpty else { return }
        let allowed = ModelAllowance(models: try JSONText.decode(row.text("models"), column: "models"))
        guard ModelAllowance(models: new.models).isSubset(of: allowed) else {
            throw RegistryError(
                .invalid,
                "The key names models that its \(parameter) may not use: leave them out, or allow them there first.",
                parameter: "models"
            )
        }
    }
}
