import HostDatabase

extension Schema {
    /// Version 2: work that several hosts can share, teams with members, and files in the order of their creation.
    @Sendable
    static func sharedByHosts(_ dialect: SQLDialect) -> [String] {
        teamColumns + workTables(dialect) + fileTables2(dialect) + copyTables2(dialect) + targetTable(dialect)
            + fileIndexes
    }

    private static var teamColumns: [String] {
        [
            "ALTER TABLE teams ADD COLUMN metadata TEXT",
            "ALTER TABLE teams ADD COLUMN max_budget DOUBLE PRECISION",
            "ALTER TABLE teams ADD COLUMN blocked BIGINT NOT NULL DEFAULT 0",
            """
            CREATE TABLE team_members (
                team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
                user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                role TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (team_id, user_id)
            )
            """,
            "CREATE INDEX team_members_by_user ON team_members (user_id)",
            // Who blocked a key: its user may undo what it did itself, and not what an administrator did.
            "ALTER TABLE keys ADD COLUMN blocked_by_user BIGINT NOT NULL DEFAULT 0",
            "CREATE INDEX keys_in_order ON keys (created_at, id)",
            "CREATE INDEX keys_by_alias ON keys (alias)",
            "CREATE INDEX users_in_order ON users (created_at, id)",
            "CREATE INDEX teams_in_order ON teams (created_at, id)",
        ]
    }

    // A worker is one run of one host. Its work is its own for as long as it says that it lives.
    private static func workTables(_ dialect: SQLDialect) -> [String] {
        [
            """
            CREATE TABLE workers (
                id TEXT NOT NULL PRIMARY KEY, host TEXT NOT NULL, heard_at BIGINT NOT NULL, alive_until BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE upload_keys (
                owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, idempotency_key TEXT NOT NULL,
                fingerprint TEXT NOT NULL, file_id \(dialect.bytesType) NOT NULL, created_at BIGINT NOT NULL,
                PRIMARY KEY (owner_kind, owner_id, idempotency_key)
            )
            """,
            "CREATE INDEX upload_keys_by_age ON upload_keys (created_at)",
            "CREATE INDEX upload_keys_by_file ON upload_keys (file_id)",
        ]
    }

    /// Lists go by `(created_us, id)`: microseconds, so that files of one second keep their order.
    private static func fileTables2(_ dialect: SQLDialect) -> [String] {
        [
            """
            CREATE TABLE files_2 (
                id \(dialect.bytesType) NOT NULL PRIMARY KEY, created_us BIGINT NOT NULL,
                owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, team_id TEXT, purpose TEXT NOT NULL,
                filename TEXT NOT NULL, mime_type TEXT NOT NULL, size_in_bytes BIGINT, sha256 TEXT,
                target_names TEXT NOT NULL, status TEXT NOT NULL, expires_at BIGINT, updated_at BIGINT NOT NULL,
                worker TEXT, retry_at BIGINT NOT NULL DEFAULT 0, failures BIGINT NOT NULL DEFAULT 0
            )
            """,
            """
            INSERT INTO files_2 (id, created_us, owner_kind, owner_id, team_id, purpose, filename, mime_type,
                size_in_bytes, sha256, target_names, status, expires_at, updated_at)
            SELECT id, created_at * 1000000 + sequence % 1000000, owner_kind, owner_id, team_id, purpose, filename,
                mime_type, size_in_bytes, sha256, target_names, status, expires_at, updated_at
            FROM files
            """,
        ]
    }

    private static func copyTables2(_ dialect: SQLDialect) -> [String] {
        [
            """
            CREATE TABLE file_copies_2 (
                file_id \(dialect.bytesType) NOT NULL REFERENCES files_2 (id) ON DELETE CASCADE,
                deployment_id TEXT NOT NULL, place BIGINT NOT NULL, provider_id TEXT, state TEXT NOT NULL,
                expires_at BIGINT, begun_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
                worker TEXT, retry_at BIGINT NOT NULL DEFAULT 0, failures BIGINT NOT NULL DEFAULT 0,
                PRIMARY KEY (file_id, deployment_id)
            )
            """,
            """
            INSERT INTO file_copies_2 (file_id, deployment_id, place, provider_id, state, expires_at, begun_at,
                updated_at)
            SELECT file_id, deployment_id, place, provider_id, state, expires_at, updated_at, updated_at
            FROM file_copies
            """,
            "DROP TABLE file_copies",
            "DROP TABLE files",
            "ALTER TABLE files_2 RENAME TO files",
            "ALTER TABLE file_copies_2 RENAME TO file_copies",
        ]
    }

    // What lists by target go by: an index along the list's order for each of its questions.
    private static func targetTable(_ dialect: SQLDialect) -> [String] {
        [
            """
            CREATE TABLE file_targets (
                file_id \(dialect.bytesType) NOT NULL REFERENCES files (id) ON DELETE CASCADE,
                deployment_id TEXT NOT NULL, created_us BIGINT NOT NULL, owner_kind TEXT NOT NULL,
                owner_id TEXT NOT NULL, team_id TEXT, PRIMARY KEY (file_id, deployment_id)
            )
            """,
            """
            INSERT INTO file_targets (file_id, deployment_id, created_us, owner_kind, owner_id, team_id)
            SELECT c.file_id, c.deployment_id, f.created_us, f.owner_kind, f.owner_id, f.team_id
            FROM file_copies AS c JOIN files AS f ON f.id = c.file_id
            """,
            "CREATE INDEX targets_in_order ON file_targets (deployment_id, created_us, file_id)",
            """
            CREATE INDEX targets_by_owner ON file_targets (owner_kind, owner_id, deployment_id, created_us, file_id)
            """,
            "CREATE INDEX targets_by_team ON file_targets (team_id, deployment_id, created_us, file_id)",
        ]
    }

    private static var fileIndexes: [String] {
        [
            "CREATE INDEX files_in_order ON files (created_us, id) WHERE status = 'ready'",
            "CREATE INDEX files_by_purpose ON files (purpose, created_us, id) WHERE status = 'ready'",
            "CREATE INDEX files_by_owner ON files (owner_kind, owner_id, created_us, id) WHERE status = 'ready'",
            """
            CREATE INDEX files_by_owner_and_purpose ON files (owner_kind, owner_id, purpose, created_us, id)
            WHERE status = 'ready'
            """,
            "CREATE INDEX files_by_team ON files (team_id, created_us, id) WHERE status = 'ready'",
            "CREATE INDEX files_by_team_and_purpose ON files (team_id, purpose, created_us, id) WHERE status = 'ready'",
            "CREATE INDEX files_unfinished ON files (updated_at) WHERE status IN ('uploading', 'deleting')",
            "CREATE INDEX files_expiring ON files (expires_at) WHERE status = 'ready' AND expires_at IS NOT NULL",
            "CREATE INDEX files_gone ON files (updated_at) WHERE status IN ('deleted', 'expired')",
            "CREATE INDEX copies_unfinished ON file_copies (updated_at) WHERE state <> 'ready'",
            "CREATE INDEX copies_expiring ON file_copies (expires_at) WHERE expires_at IS NOT NULL",
            "CREATE INDEX copies_by_provider_id ON file_copies (provider_id)",
        ]
    }
}
