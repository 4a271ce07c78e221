import HostDatabase

extension Schema {
    /// The messages about objects that have ended, until some time after they were delivered or given up.
    static func webhookTables(_: SQLDialect) -> [String] {
        [
            """
            CREATE TABLE webhook_deliveries (
                id TEXT NOT NULL PRIMARY KEY, event_type TEXT NOT NULL, object_id TEXT NOT NULL,
                url TEXT NOT NULL, receiver TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
                attempts BIGINT NOT NULL DEFAULT 0, due_at BIGINT NOT NULL DEFAULT 0, worker TEXT, last_error TEXT,
                created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, UNIQUE (object_id, event_type)
            )
            """,
            "CREATE INDEX webhooks_due ON webhook_deliveries (due_at) WHERE state = 'pending'",
            "CREATE INDEX webhooks_by_age ON webhook_deliveries (created_at)",
        ]
    }
}
