import HostDatabase

/// The registry's tables, and the way to them from every older version.
enum Schema {
    /// The version that this gateway writes.
    static var version: Int64 { Int64(migrations.count) }

    /// The statements from each version to the next; what has been released is never changed.
    private static let migrations: [@Sendable (SQLDialect) -> [String]] = [
        firstTables, sharedByHosts, objectsUploadsAndWebhooks,
    ]

    /// Brings the tables to this gateway's version; runs inside one writing transaction, so that all of it or nothing
    /// happens and two gateways that start together do it once.
    ///
    /// - Throws: ``DatabaseError``; ``RegistryError`` with `.schemaTooNew`.
    static func migrate(_ connection: any DatabaseConnection, dialect: SQLDialect) throws {
        if let lock = dialect.migrationLock { _ = try connection.query(lock) }
        try connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        let stored = try connection.query("SELECT version FROM schema_version").first?.integer("version")
        let current = stored ?? 0
        guard current <= version else {
            throw RegistryError(
                .schemaTooNew,
                "The database has version \(current) of the tables and this gateway knows version \(version): "
                    + "use the newer gateway, or restore the backup from before the upgrade."
            )
        }
        guard current >= 0 else { throw RegistryError.unreadable("schema version") }
        if stored == nil { try connection.execute("INSERT INTO schema_version (version) VALUES (0)") }
        for migration in migrations.dropFirst(Int(current)) {
            for statement in migration(dialect) { try connection.execute(statement) }
        }
        try connection.execute("UPDATE schema_version SET version = $1", [.integer(version)])
    }

    @Sendable
    private static func firstTables(_ dialect: SQLDialect) -> [String] {
        settingTables(dialect) + principalTables(dialect) + fileTables(dialect)
    }

    /// Version 3: objects of providers, uploads in parts, and messages about what has ended.
    @Sendable
    private static func objectsUploadsAndWebhooks(_ dialect: SQLDialect) -> [String] {
        objectTables(dialect) + webhookTables(dialect)
    }

    private static func settingTables(_ dialect: SQLDialect) -> [String] {
        ["CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value \(dialect.bytesType) NOT NULL)"]
    }

    private static func principalTables(_ dialect: SQLDialect) -> [String] {
        [
            """
            CREATE TABLE teams (
                id TEXT NOT NULL PRIMARY KEY, alias TEXT, models TEXT NOT NULL, created_at BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE users (
                id TEXT NOT NULL PRIMARY KEY, alias TEXT, email TEXT, role TEXT NOT NULL, models TEXT NOT NULL,
                metadata TEXT, max_budget DOUBLE PRECISION, created_at BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE keys (
                id TEXT NOT NULL PRIMARY KEY, digest \(dialect.bytesType) NOT NULL UNIQUE, display TEXT NOT NULL,
                alias TEXT, user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
                team_id TEXT REFERENCES teams (id) ON DELETE CASCADE, models TEXT NOT NULL, role TEXT, metadata TEXT,
                allow_raw_file_ids BIGINT NOT NULL, blocked BIGINT NOT NULL, created_at BIGINT NOT NULL,
                expires_at BIGINT, last_used_at BIGINT, max_budget DOUBLE PRECISION
            )
            """,
            "CREATE INDEX keys_by_user ON keys (user_id)",
            "CREATE INDEX keys_by_team ON keys (team_id)",
        ]
    }

    // Owners are not references: a file outlives the key, user or team that made it until somebody deletes it.
    private static func fileTables(_ dialect: SQLDialect) -> [String] {
        [
            """
            CREATE TABLE files (
                sequence \(dialect.countedKeyType), id \(dialect.bytesType) NOT NULL UNIQUE,
                owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, team_id TEXT, purpose TEXT NOT NULL,
                filename TEXT NOT NULL, mime_type TEXT NOT NULL, size_in_bytes BIGINT, sha256 TEXT,
                target_names TEXT NOT NULL, status TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT,
                updated_at BIGINT NOT NULL
            )
            """,
            "CREATE INDEX files_by_owner ON files (owner_kind, owner_id, sequence)",
            "CREATE INDEX files_by_team ON files (team_id, sequence)",
            "CREATE INDEX files_unfinished ON files (updated_at) WHERE status IN ('uploading', 'deleting')",
            "CREATE INDEX files_deleted ON files (updated_at) WHERE status = 'deleted'",
            """
            CREATE TABLE file_copies (
                file_id \(dialect.bytesType) NOT NULL REFERENCES files (id) ON DELETE CASCADE,
                deployment_id TEXT NOT NULL, place BIGINT NOT NULL, provider_id TEXT, state TEXT NOT NULL,
                expires_at BIGINT, updated_at BIGINT NOT NULL, PRIMARY KEY (file_id, deployment_id)
            )
            """,
        ]
    }
}
