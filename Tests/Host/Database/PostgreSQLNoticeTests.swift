import Foundation
import HostDatabase
import PostgreSQLServer
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PostgreSQLNoticeTests {
    /// Finds the session of a listener, which says `SELECT 1` from time to time.
    private static let isListener = "query IN ('LISTEN gantry', 'SELECT 1')"

    @Test
    func othersHearWhatIsPublishedAndThePublisherDoesNot() async throws {
        let server = try await PostgreSQLServer.shared()
        let name = try await server.makeDatabase()
        let publisher = try await PostgreSQLDatabase.open(url: server.url(database: name))
        let other = try await PostgreSQLDatabase.open(url: server.url(database: name))
        let heardByPublisher = Notices(publisher)
        let heardByOther = Notices(other)
        #expect(await heardByPublisher.next() == .interrupted)
        #expect(await heardByOther.next() == .interrupted)

        try await publisher.write { try $0.publish("naïve: a") }
        await #expect(throws: DatabaseError.self) {
            try await publisher.write { connection in
                try connection.publish("undone")
                try connection.execute("SELEC")
            }
        }
        await #expect(throws: DatabaseError.self) {
            try await publisher.write { try $0.publish(String(repeating: "x", count: 4001)) }
        }
        try await publisher.write { try $0.publish(String(repeating: "x", count: 4000)) }
        try await other.write { try $0.publish("answer") }

        #expect(await heardByOther.next() == .published("naïve: a"))
        #expect(await heardByOther.next() == .published(String(repeating: "x", count: 4000)))
        #expect(await heardByPublisher.next() == .published("answer"))
        await publisher.close()
        await other.close()
    }

    @Test
    func aListenerThatIsLostSaysSoAndComesBack() async throws {
        let server = try await PostgreSQLServer.shared()
        let name = try await server.makeDatabase()
        let database = try await PostgreSQLDatabase.open(url: server.url(database: name))
        let heard = Notices(database)
        #expect(await heard.next() == .interrupted)

        try await server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)' AND \(Self.isListener)"
        )

        #expect(await heard.next() == .interrupted)
        #expect(await heard.next() == .interrupted)
        try await server.run("SELECT pg_notify('gantry', 'psql:hello')", in: name)
        #expect(await heard.next() == .published("hello"))
        await database.close()
    }

    @Test
    func aListenerThatFallsSilentIsNoticed() async throws {
        let server = try await PostgreSQLServer.shared()
        let name = try await server.makeDatabase()
        var settings = PostgreSQLSettings()
        settings.heartbeatInterval = .milliseconds(500)
        let database = try await PostgreSQLDatabase.open(url: server.url(database: name), settings: settings)
        let heard = Notices(database)
        #expect(await heard.next() == .interrupted)
        let session = try await server.run(
            "SELECT pid FROM pg_stat_activity WHERE datname = '\(name)' AND \(Self.isListener)"
        )
        let process = try #require(pid_t(session))

        kill(process, SIGSTOP)
        let notices = [await heard.next(), await heard.next()]
        kill(process, SIGCONT)

        #expect(notices == [.interrupted, .interrupted])
        await database.close()
    }
}

/// What a database hears, one after the other.
private final class Notices: Sendable {
    private let stream: AsyncStream<DatabaseNotice>

    init(_ database: PostgreSQLDatabase) {
        let (stream, continuation) = AsyncStream.makeStream(of: DatabaseNotice.self)
        self.stream = stream
        database.listen { continuation.yield($0) }
    }

    func next() async -> DatabaseNotice? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}
