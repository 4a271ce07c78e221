import HostDatabase

extension Schema {
    /// Version 3: uploads in parts.
    static func uploadTables(_ dialect: SQLDialect) -> [String] {
        let id = dialect.bytesType
        return [
            // What came more than once counts once in received_bytes.
            """
            CREATE TABLE uploads (
                id \(id) NOT NULL PRIMARY KEY, owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, team_id TEXT,
                purpose TEXT NOT NULL, filename TEXT NOT NULL, mime_type TEXT NOT NULL, size_in_bytes BIGINT NOT NULL,
                target_names TEXT NOT NULL, expires_after BIGINT, status TEXT NOT NULL, created_at BIGINT NOT NULL,
                expires_at BIGINT NOT NULL, received_bytes BIGINT NOT NULL DEFAULT 0,
                part_count BIGINT NOT NULL DEFAULT 0, file_id \(id), worker TEXT, updated_at BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE upload_parts (
                id \(id) NOT NULL PRIMARY KEY, upload_id \(id) NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
                size_in_bytes BIGINT NOT NULL, sha256 TEXT NOT NULL, host TEXT NOT NULL, created_at BIGINT NOT NULL
            )
            """,
            "CREATE INDEX uploads_by_owner ON uploads (owner_kind, owner_id)",
            "CREATE INDEX uploads_by_team ON uploads (team_id)",
            "CREATE INDEX uploads_open ON uploads (expires_at) WHERE status IN ('pending', 'completing')",
            "CREATE INDEX uploads_over ON uploads (updated_at) WHERE status IN ('completed', 'cancelled', 'expired')",
            "CREATE INDEX upload_parts_by_content ON upload_parts (upload_id, sha256)",
        ]
    }
}
