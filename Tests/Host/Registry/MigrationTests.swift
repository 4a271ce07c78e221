import HostCore
import HostDatabase
import HostRegistry
import Testing

/// A database of the first version of the tables becomes one of this version, with everything in it.
struct MigrationTests {
    /// The tables of version 1, as they were.
    private static func versionOne(_ dialect: SQLDialect) -> [String] {
        let bytes = dialect.bytesType
        return [
            "CREATE TABLE schema_version (version BIGINT NOT NULL)",
            "INSERT INTO schema_version (version) VALUES (1)",
            "CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value \(bytes) NOT NULL)",
            """
            CREATE TABLE teams (
                id TEXT NOT NULL PRIMARY KEY, alias TEXT, models TEXT NOT NULL, created_at BIGINT NOT NULL)
            """,
            """
            CREATE TABLE users (
                id TEXT NOT NULL PRIMARY KEY, alias TEXT, email TEXT, role TEXT NOT NULL, models TEXT NOT NULL,
                metadata TEXT, max_budget DOUBLE PRECISION, created_at BIGINT NOT NULL)
            """,
            """
            CREATE TABLE keys (
                id TEXT NOT NULL PRIMARY KEY, digest \(bytes) NOT NULL UNIQUE, display TEXT NOT NULL,
                alias TEXT, user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
                team_id TEXT REFERENCES teams (id) ON DELETE CASCADE, models TEXT NOT NULL, role TEXT, metadata TEXT,
                allow_raw_file_ids BIGINT NOT NULL, blocked BIGINT NOT NULL, created_at BIGINT NOT NULL,
                expires_at BIGINT, last_used_at BIGINT, max_budget DOUBLE PRECISION)
            """,
            "CREATE INDEX keys_by_user ON keys (user_id)",
            "CREATE INDEX keys_by_team ON keys (team_id)",
            """
            CREATE TABLE files (
                sequence \(dialect.countedKeyType), id \(bytes) NOT NULL UNIQUE,
                owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, team_id TEXT, purpose TEXT NOT NULL,
                filename TEXT NOT NULL, mime_type TEXT NOT NULL, size_in_bytes BIGINT, sha256 TEXT,
                target_names TEXT NOT NULL, status TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT,
                updated_at BIGINT NOT NULL)
            """,
            "CREATE INDEX files_by_owner ON files (owner_kind, owner_id, sequence)",
            "CREATE INDEX files_by_team ON files (team_id, sequence)",
            "CREATE INDEX files_unfinished ON files (updated_at) WHERE status IN ('uploading', 'deleting')",
            "CREATE INDEX files_deleted ON files (updated_at) WHERE status = 'deleted'",
            """
            CREATE TABLE file_copies (
                file_id \(bytes) NOT NULL REFERENCES files (id) ON DELETE CASCADE,
                deployment_id TEXT NOT NULL, place BIGINT NOT NULL, provider_id TEXT, state TEXT NOT NULL,
                expires_at BIGINT, updated_at BIGINT NOT NULL, PRIMARY KEY (file_id, deployment_id))
            """,
        ]
    }

    private static let tables = [
        "webhook_deliveries", "tuned_models", "objects", "file_targets", "file_copies", "files", "upload_keys",
        "workers", "team_members", "keys", "users",
        "teams",
        "settings",
        "schema_version",
    ]

    private static func insert(
        _ id: FileID,
        status: String,
        in connection: any DatabaseConnection
    ) throws {
        try connection.execute(
            """
            INSERT INTO files (id, owner_kind, owner_id, purpose, filename, mime_type, size_in_bytes, sha256,
                target_names, status, created_at, updated_at)
            VALUES ($1, 'user', 'alice', 'batch', 'in.jsonl', 'application/jsonl', 7, 'ab', '["a"]', $2, 1700000000,
                1700000001)
            """,
            [.blob(id.uuid.bytes), .text(status)]
        )
        try connection.execute(
            """
            INSERT INTO file_copies (file_id, deployment_id, place, provider_id, state, expires_at, updated_at)
            VALUES ($1, 'a', 0, 'file-1', $2, 2000000000, 1700000001)
            """,
            [.blob(id.uuid.bytes), .text(status == "ready" ? "ready" : "pending")]
        )
    }

    @Test(arguments: DatabaseKind.allCases)
    func everythingIsThereAfterwards(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            for table in Self.tables { try await fixture.execute("DROP TABLE \(table)") }
            let files = (0..<3).map { _ in FileID(uuid: .random()) }
            let left = FileID(uuid: .random())
            try await fixture.database.write { [dialect = fixture.database.dialect] connection in
                for statement in Self.versionOne(dialect) { try connection.execute(statement) }
                let values = "('alice', 'internal_user', '[]', 1700000000)"
                try connection.execute("INSERT INTO users (id, role, models, created_at) VALUES \(values)")
                try connection.execute(
                    """
                    INSERT INTO keys (id, digest, display, user_id, models, allow_raw_file_ids, blocked, created_at)
                    VALUES ('k', $1, 'sk-...1234', 'alice', '[]', 0, 0, 1700000000)
                    """,
                    [.blob(KeyDigest(of: "sk-old").bytes)]
                )
                for file in files { try Self.insert(file, status: "ready", in: connection) }
                try Self.insert(left, status: "uploading", in: connection)
            }

            let registry = try await fixture.otherHost()

            guard case .principal(let alice) = try await registry.principal(forKey: "sk-old") else {
                Issue.record("the old key is not known")
                return
            }
            #expect(alice.userID == UserID("alice"))
            let page = try await registry.listFiles(for: alice, try FileListing(order: .oldestFirst))
            #expect(page.files.map(\.id) == files)
            #expect(page.files.allSatisfy { $0.createdAt == UnixTime(secondsSince1970: 1_700_000_000) })
            let whole = try await registry.files(files.map { RequestedFile(id: $0, clientID: "x") }, for: alice)
            #expect(whole.values.allSatisfy { $0.copies.map(\.providerID) == ["file-1"] && $0.sizeInBytes == 7 })
            let narrowed = try FileListing(deployments: [DeploymentID("a")])
            #expect(try await registry.listFiles(for: alice, narrowed).files.count == 3)
            #expect(try await registry.claimFiles(limit: 10).map(\.id) == [left])
            try await fixture.execute("DELETE FROM files")
            #expect(try await fixture.rows("SELECT * FROM file_copies").isEmpty)
        }
    }
}
