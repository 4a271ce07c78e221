import Foundation
import HostDatabase
import PostgreSQLServer
import Testing

struct PostgreSQLOpeningTests {
    @Test(arguments: PostgreSQLServer.Transport.allCases)
    func aDatabaseOpensOverASocketAndOverTCP(transport: PostgreSQLServer.Transport) async throws {
        let server = try await PostgreSQLServer.shared()
        try await server.withDatabase(over: transport) { database in
            let row = try #require(
                try await database.read { connection in
                    try connection.query(
                        """
                        SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS wait,
                            current_setting('synchronous_commit') AS sync, current_setting('client_encoding') AS encoding
                        """
                    )
                }.first
            )

            #expect(try row.text("name") == "gantry")
            #expect(try row.text("wait") == "10s")
            #expect(try row.text("sync") == "on")
            #expect(try row.text("encoding") == "UTF8")
        }
    }

    @Test
    func parametersOfTheURLWin() async throws {
        let server = try await PostgreSQLServer.shared()
        let name = try await server.makeDatabase()
        try await server.run("CREATE SCHEMA \"my schema\"", in: name)
        let url = server.url(
            database: name,
            "application_name=mine",
            "options=-c%20statement_timeout%3D3000",
            "schema=my%20schema",
            "connection_limit=2",
            "pool_timeout=3",
            "pgbouncer=false"
        )

        let database = try await PostgreSQLDatabase.open(url: url)
        let row = try #require(
            try await database.write { connection in
                try connection.execute("CREATE TABLE t (n BIGINT)")
                return try connection.query(
                    """
                    SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS wait,
                        current_setting('lock_timeout') AS lock, CAST(schemaname AS TEXT) AS schema
                    FROM pg_tables WHERE tablename = 't'
                    """
                )
            }.first
        )
        await database.close()

        #expect(try row.text("name") == "mine")
        #expect(try row.text("wait") == "3s")
        #expect(try row.text("lock") == "10s")
        #expect(try row.text("schema") == "my schema")
    }

    @Test
    func whatCannotBeOpenedIsNamedWithARemedyAndWithoutThePassword() async throws {
        let server = try await PostgreSQLServer.shared()
        let free = try await stoppedServerPort()
        let cases = [
            (server.url(database: "postgres", over: .tcp, password: "hunter2"), "Correct the user or the password"),
            (server.url(database: "absent", over: .tcp), "Create it, or correct its name"),
            (server.url(database: "postgres", over: .tcp, "sslmode=require"), "Turn TLS on in the server"),
            ("postgresql://gantry:hunter2@127.0.0.1:\(free)/registry", "Start the server, or correct the host"),
            ("postgresql://gantry:hunter2@/registry?host=/absent", "Start the server, or correct the host"),
            ("postgresql://gantry:hunter2@nowhere.invalid/registry", "Correct the host in the URL"),
        ]

        for (url, remedy) in cases {
            let error = try #require(await #expect(throws: DatabaseError.self) { try await open(url) })
            #expect(error.code == .unavailable)
            #expect(error.message.contains(remedy), "\(error.message)")
            #expect(error.message.hasPrefix("PostgreSQL at "))
            #expect(!"\(error)".contains("hunter2") && !"\(error)".contains("p@ss") && !"\(error)".contains("\n"))
        }
    }

    @Test(arguments: [
        "", "sqlite:///gantry.db", "postgresql://u:hunter/2@host/db", "postgresql://u:hunter@2@host/db",
        "postgresql://u:1/hunter2@host/db", "postgresql://u:1?hunter2@host/db", "postgresql://u:hunter2@host:port/db",
        "postgresql://u:hunter2@[::1/db", "postgresql://u:hunter2@host/db?hunter2", "host=h password=hunter2",
        "postgresql://u:hunter2@host/db?connect_timeout=0", "postgresql://u:hunter2@host/db?connection_limit=65",
        "postgresql://u:hunter2@host/db?pool_timeout=-1", "postgresql://u:hunter2@host/db?pgbouncer=true",
        "postgresql://u:hunter2@host/db?sslaccept=strict", "postgresql://u:hunter2@host/db?ssl=false",
        "postgresql://u:hunter2@host/db?%zz=1", "postgresql://u:hunter2@host\0/db",
    ])
    func aWrongURLIsRefusedWithoutRepeatingIt(url: String) async throws {
        let error = try #require(await #expect(throws: DatabaseError.self) { try await open(url) })

        #expect(error.code == .unavailable)
        #expect(error.message.hasPrefix("The database's URL"))
        #expect(!error.message.contains("hunter"))
    }

    @Test
    func aServerThatDoesNotAnswerIsGivenUp() async throws {
        // Takes connections, for the kernel does that, and never says a word.
        let silent = try SilentServer()
        let started = ContinuousClock.now

        let error = await #expect(throws: DatabaseError.self) {
            try await open("postgresql://gantry@127.0.0.1:\(silent.port)/registry?connect_timeout=2")
        }

        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("Check the network and firewalls") == true)
        #expect(started.duration(to: .now) < .seconds(8))
    }

    @Test
    func aCertificateThatCannotBeCheckedIsRefused() async throws {
        try await TemporaryDirectory.with { directory in
            try await makeCertificate("right", for: "127.0.0.1", in: directory)
            try await makeCertificate("wrong", for: "127.0.0.1", in: directory)
            try await makeCertificate("other", for: "127.0.0.2", in: directory)
            for (name, authority, remedy) in [
                ("right", "right", nil), ("right", "wrong", "Give the authority of the server's certificate"),
                ("other", "other", "Use the host name"), ("right", "absent", "Give the authority's certificate"),
            ] {
                let server = try await PostgreSQLServer.start(
                    configuration: ["ssl = on"],
                    files: [
                        "server.crt": try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name).crt")),
                        "server.key": try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name).key")),
                    ]
                )
                let url = server.url(
                    database: "postgres",
                    over: .tcp,
                    "sslmode=verify-full",
                    "sslrootcert=\(directory)/\(authority).crt"
                )
                if let remedy {
                    let error = await #expect(throws: DatabaseError.self) { try await open(url) }
                    #expect(error?.message.contains(remedy) == true, "\(error?.message ?? "")")
                } else {
                    try await open(url)
                }
                await server.discard()
            }
        }
    }

    @Test
    func aClosedDatabaseSaysSo() async throws {
        let server = try await PostgreSQLServer.shared()
        let database = try await PostgreSQLDatabase.open(url: server.url(database: "postgres"))

        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<16 { group.addTask { await database.close() } }
        }
        await database.close()

        let error = await #expect(throws: DatabaseError.self) { try await database.read { try $0.query("SELECT 1") } }
        #expect(error?.code == .unavailable)
    }

    @Test
    func closingLeavesNoThreadsAndNoConnections() async throws {
        let server = try await PostgreSQLServer.shared()
        let name = try await server.makeDatabase()
        let (threads, descriptors) = (try count("task"), try count("fd"))

        for _ in 0..<50 {
            let database = try await PostgreSQLDatabase.open(url: server.url(database: name))
            database.listen { _ in }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try await database.read { try $0.query("SELECT 1 AS one") } } }
                try await group.waitForAll()
            }
            await database.close()
        }

        // Tests that run beside this one have threads and descriptors too, but not one for each of the 50.
        let isAsBefore = try await server.becomes("true") {
            "\(try count("task") < threads + 40 && (try count("fd")) < descriptors + 40)"
        }
        #expect(isAsBefore)
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(name)'"
        #expect(try await server.becomes("0") { try await server.run(sessions) })
    }

    private func count(_ kind: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(kind)").count
    }

    private func open(_ url: String) async throws {
        let database = try await PostgreSQLDatabase.open(url: url)
        await database.close()
    }

    /// A port that a server of ours has listened on.
    private func stoppedServerPort() async throws -> Int {
        let silent = try SilentServer()
        return silent.port
    }

    private func makeCertificate(_ name: String, for address: String, in directory: String) async throws {
        try await Command.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:\(address)", "-keyout",
                "\(directory)/\(name).key", "-out", "\(directory)/\(name).crt",
            ]
        )
    }
}
