import HostCore
import HostDatabase

extension Registry {
    /// Makes a user without keys.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if the id is taken, or `.storeUnavailable`.
    @discardableResult
    package func createUser(_ new: NewUser) async throws(RegistryError) -> UserRecord {
        try check(new)
        let now = clock.now()
        return try await change("making a user") { try Self.insert(new, at: now, into: $0) }
    }

    /// Makes a user and its first key, or neither; the key's user is the new one, whatever it says.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if the id is taken, `.notFound` for the key's team, or
    ///   `.storeUnavailable`.
    package func createUser(
        _ new: NewUser,
        with key: NewKey
    ) async throws(RegistryError) -> (user: UserRecord, key: CreatedKey) {
        let key = NewKey(
            alias: key.alias,
            userID: new.id,
            teamID: key.teamID,
            models: key.models,
            role: key.role,
            metadata: key.metadata,
            allowsRawFileIDs: key.allowsRawFileIDs,
            lifetime: key.lifetime,
            maximumBudget: key.maximumBudget
        )
        try check(new)
        try check(key)
        let now = clock.now()
        let text = KeyText.random()
        let made = try await change("making a user") { connection in
            (
                user: try Self.insert(new, at: now, into: connection),
                key: try Self.insert(key, text: text, at: now, into: connection)
            )
        }
        forget([made.key.digest])
        return (made.user, CreatedKey(text: text.text, record: made.key))
    }

    /// A user and its keys.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` or `.storeUnavailable`.
    package func user(_ id: UserID) async throws(RegistryError) -> UserRecord {
        let value = DatabaseValue.text(id.description)
        let found = try await inspect("reading a user") { connection -> UserRecord? in
            guard let row = try connection.query("SELECT * FROM users WHERE id = $1", [value]).first else { return nil }
            let keys = try connection.query(
                "SELECT * FROM keys WHERE user_id = $1 ORDER BY created_at, id",
                [value]
            )
            return try UserRecord(row, keys: keys.map { try KeyRecord($0) })
        }
        guard let found else { throw RegistryError(.notFound, "There is no such user.", parameter: "user_id") }
        return found
    }

    /// Makes a team.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if the id is taken, or `.storeUnavailable`.
    package func createTeam(_ new: NewTeam) async throws(RegistryError) {
        try FieldRules.checkID(new.id.description, parameter: "team_id")
        try FieldRules.checkLabel(new.alias, parameter: "team_alias")
        try FieldRules.checkModels(new.models)
        let now = clock.now()
        try await change("making a team") { connection in
            let made = try connection.execute(
                """
                INSERT INTO teams (id, alias, models, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING
                """,
                [
                    .text(new.id.description), DatabaseValue(new.alias), .text(JSONText.encode(new.models)),
                    .integer(now.secondsSince1970),
                ]
            )
            guard made == 1 else {
                throw RegistryError(.conflict, "A team with this id exists already.", parameter: "team_id")
            }
        }
    }

    private func check(_ new: NewUser) throws(RegistryError) {
        try FieldRules.checkID(new.id.description, parameter: "user_id")
        try FieldRules.checkLabel(new.alias, parameter: "user_alias")
        try FieldRules.checkLabel(new.email, parameter: "user_email")
        try FieldRules.checkModels(new.models)
        try FieldRules.checkExtras(metadata: new.metadata, maximumBudget: new.maximumBudget)
    }

    private static func insert(
        _ new: NewUser,
        at now: UnixTime,
        into connection: any DatabaseConnection
    ) throws -> UserRecord {
        let made = try connection.execute(
            """
            INSERT INTO users (id, alias, email, role, models, metadata, max_budget, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING
            """,
            [
                .text(new.id.description), DatabaseValue(new.alias), DatabaseValue(new.email),
                .text(new.role.rawValue), .text(JSONText.encode(new.models)), DatabaseValue(new.metadata),
                DatabaseValue(new.maximumBudget), .integer(now.secondsSince1970),
            ]
        )
        guard made == 1 else {
            throw RegistryError(.conflict, "A user with this id exists already.", parameter: "user_id")
        }
        return UserRecord(new, createdAt: now)
    }
}
