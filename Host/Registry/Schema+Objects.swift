import HostDatabase

extension Schema {
    /// Version 3: batches, jobs and responses, with the hidden files that belong to them.
    static func objectTables(_ dialect: SQLDialect) -> [String] {
        let id = dialect.bytesType
        return [
            """
            CREATE TABLE objects (
                id \(id) NOT NULL PRIMARY KEY, kind TEXT NOT NULL, created_us BIGINT NOT NULL,
                owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, team_id TEXT, deployment_id TEXT NOT NULL,
                model_name TEXT NOT NULL, provider_id TEXT, stage TEXT NOT NULL, status TEXT NOT NULL,
                document TEXT NOT NULL, input_id \(id), validation_id \(id), derived_id \(id),
                derived_validation_id \(id), output_id \(id), error_id \(id), usage TEXT, webhook_url TEXT, worker TEXT,
                due_at BIGINT, missing_since BIGINT, failures BIGINT NOT NULL DEFAULT 0, updated_at BIGINT NOT NULL,
                expires_at BIGINT
            )
            """,
            // The names under which what a job has made can be used.
            """
            CREATE TABLE tuned_models (
                name TEXT NOT NULL, object_id \(id) NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
                place BIGINT NOT NULL, PRIMARY KEY (name, object_id)
            )
            """,
            "CREATE INDEX tuned_models_by_object ON tuned_models (object_id, place)",
            "CREATE INDEX objects_in_order ON objects (kind, created_us, id)",
            "CREATE INDEX objects_by_owner ON objects (kind, owner_kind, owner_id, created_us, id)",
            "CREATE INDEX objects_by_team ON objects (kind, team_id, created_us, id)",
            "CREATE INDEX objects_due ON objects (kind, due_at) WHERE due_at IS NOT NULL",
            "CREATE INDEX objects_unfinished ON objects (kind, updated_at) WHERE stage IN ('creating', 'gone')",
            "CREATE INDEX objects_settling ON objects (kind, updated_at) WHERE stage = 'settling'",
            "CREATE INDEX objects_expiring ON objects (expires_at) WHERE expires_at IS NOT NULL",
            "CREATE INDEX objects_by_provider_id ON objects (provider_id)",
            "CREATE INDEX files_internal ON files (owner_kind, owner_id) WHERE status = 'internal'",
        ]
    }
}
