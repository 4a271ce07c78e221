import HostCore
import HostDatabase

extension Registry {
    /// As many of a user's or team's keys are shown with it; a list of keys shows them all.
    static let keysShownAlong: Int64 = 1000

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
    /// A key of a team makes the user a member of it.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if the id is taken, `.notFound` for the key's team, or
    ///   `.storeUnavailable`.
    package func createUser(
        _ new: NewUser,
        with key: NewKey
    ) async throws(RegistryError) -> (user: UserRecord, key: CreatedKey) {
        let now = clock.now()
        let key = key.of(new.id)
        try check(new)
        try check(key, at: now)
        let text = KeyText.random()
        let made = try await changePrincipals("making a user") { [dialect] connection in
            let user = try Self.insert(new, at: now, into: connection)
            let (record, affected) = try Self.insert(key, text: text, limits: nil, at: now, into: connection, dialect)
            return ((user: user, key: record), affected)
        }
        return (made.user, CreatedKey(text: text.text, record: made.key))
    }

    /// A user and its keys, the oldest 1000.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` or `.storeUnavailable`.
    package func user(_ id: UserID) async throws(RegistryError) -> UserRecord {
        let value = DatabaseValue.text(id.description)
        let found = try await inspect("reading a user") { connection -> UserRecord? in
            guard let row = try connection.query("SELECT * FROM users WHERE id = $1", [value]).first else { return nil }
            let keys = try connection.query(
                "SELECT * FROM keys WHERE user_id = $1 ORDER BY created_at, id LIMIT $2",
                [value, .integer(Self.keysShownAlong)]
            )
            return try UserRecord(row, keys: keys.map { try KeyRecord($0) })
        }
        guard let found else { throw RegistryError(.notFound, "There is no such user.", parameter: "user_id") }
        return found
    }

    /// One page of the users without their keys, newest first, each with how many keys it has.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func users(
        _ filter: UserFilter,
        page: PageRequest
    ) async throws(RegistryError) -> RecordPage<(user: UserRecord, keyCount: Int64)> {
        try await inspect("listing users") { connection in
            var query = RecordQuery(table: "users")
            query.require("id", oneOf: filter.ids?.map(\.description))
            query.require("role", filter.role?.rawValue)
            query.require("email", filter.email)
            query.requireRow(
                "team_members AS m WHERE m.user_id = users.id AND m.team_id",
                filter.teamID?.description
            )
            let columns = "users.*, (SELECT COUNT(*) FROM keys AS k WHERE k.user_id = users.id) AS key_count"
            return try query.page(page, in: connection, columns: columns) {
                (user: try UserRecord($0, keys: []), keyCount: try $0.integer("key_count"))
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
        // A request that was under way while an earlier user of this id was deleted may have left a file behind.
        _ = try OwnedFiles.discard(of: .user(new.id), at: now, in: connection)
        return UserRecord(new, createdAt: now)
    }
}
