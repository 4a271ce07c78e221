import Foundation
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import HostServer

/// One connection with a guard, in virtual time.
private final class GuardedConnection {
    let channel = EmbeddedChannel()
    let watcher = ConnectionGuard()

    init() throws {
        try channel.pipeline.syncOperations.addHandler(watcher)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func receive(_ part: HTTPServerRequestPart) throws { try channel.writeInbound(part) }
    func send(_ part: HTTPServerResponsePart) throws { try channel.writeOutbound(part) }
    func advance(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    func sent() throws -> [HTTPServerResponsePart] {
        var parts: [HTTPServerResponsePart] = []
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) { parts.append(part) }
        return parts
    }

    static func head(_ headers: HTTPHeaders = [:], hasHost: Bool = true) -> HTTPServerRequestPart {
        var headers = headers
        if hasHost { headers.add(name: "host", value: "gantry.test") }
        return .head(HTTPRequestHead(version: .http1_1, method: .POST, uri: "/v1/files", headers: headers))
    }

    static func answer(_ status: HTTPResponseStatus) -> HTTPServerResponsePart {
        .head(HTTPResponseHead(version: .http1_1, status: status))
    }
}

struct ConnectionGuardTests {
    @Test
    func aClientThatSendsNoHeadIsClosed() throws {
        let connection = try GuardedConnection()

        connection.advance(.seconds(16))

        #expect(!connection.channel.isActive)
    }

    @Test
    func aBodyThatDripsIsAnsweredWith408AndClosed() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())

        for _ in 0..<31 {
            try connection.receive(.body(ByteBuffer(bytes: [0])))
            connection.advance(.seconds(1))
        }

        let sent = try connection.sent()
        guard case .head(let head) = try #require(sent.first) else { throw Unexpected() }
        #expect(head.status == .requestTimeout)
        #expect(!connection.channel.isActive)
    }

    @Test
    func aBodyThatKeepsComingIsLeftAlone() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())

        for _ in 0..<10 {
            try connection.receive(.body(ByteBuffer(repeating: 1, count: 20_000)))
            connection.advance(.seconds(29))
        }

        #expect(connection.channel.isActive)
    }

    @Test
    func aSlowAnswerIsNobodysFault() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())
        try connection.receive(.end(nil))

        connection.advance(.hours(1))

        #expect(connection.channel.isActive)
    }

    @Test
    func aBodyThatWasSentAheadIsNotTakenForSlow() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())
        try connection.receive(.end(nil))
        try connection.receive(GuardedConnection.head())

        connection.advance(.minutes(5))
        #expect(connection.channel.isActive)
        try connection.send(GuardedConnection.answer(.ok))
        try connection.send(.end(nil))
        connection.advance(.seconds(31))

        #expect(!connection.channel.isActive)
    }

    @Test
    func anIdleConnectionIsClosedAfterItsAnswer() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())
        try connection.receive(.end(nil))
        try connection.send(GuardedConnection.answer(.ok))
        try connection.send(.end(nil))

        connection.advance(.seconds(74))
        #expect(connection.channel.isActive)
        connection.advance(.seconds(2))

        #expect(!connection.channel.isActive)
    }

    @Test
    func aContinueIsSentToWhoAsksForIt() throws {
        let connection = try GuardedConnection()

        try connection.receive(GuardedConnection.head(["expect": "100-continue"]))

        guard case .head(let head) = try #require(try connection.sent().first) else { throw Unexpected() }
        #expect(head.status == .continue)
    }

    @Test
    func anAnswerBeforeTheBodysEndSaysThatTheConnectionClosesAndClosesIt() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())
        try connection.send(GuardedConnection.answer(.payloadTooLarge))
        try connection.send(.end(nil))

        let sent = try connection.sent()
        connection.advance(.seconds(6))

        guard case .head(let head) = try #require(sent.first) else { throw Unexpected() }
        #expect(head.headers["connection"] == ["close"])
        #expect(!connection.channel.isActive)
    }

    @Test(arguments: [[], [("Host", "a"), ("HOST", "a")], [("Hosts", "a")]])
    func aRequestWithoutExactlyOneHostIsRefusedAndNotPassedOn(fields: [(String, String)]) throws {
        let connection = try GuardedConnection()

        try connection.receive(GuardedConnection.head(HTTPHeaders(fields), hasHost: false))
        let sent = try connection.sent()
        try connection.receive(.body(ByteBuffer(repeating: 1, count: 100)))
        #expect(connection.channel.isActive)
        try connection.receive(.end(nil))

        guard case .head(let head) = try #require(sent.first) else { throw Unexpected() }
        #expect(head.status == .badRequest)
        #expect(head.headers["connection"] == ["close"])
        #expect(!connection.channel.isActive)
        #expect(try connection.channel.readInbound(as: HTTPServerRequestPart.self) == nil)
    }

    @Test
    func aRequestOfTheOldVersionNeedsNoHost() throws {
        let connection = try GuardedConnection()
        let head = HTTPRequestHead(version: .http1_0, method: .GET, uri: "/")

        try connection.receive(.head(head))

        #expect(try connection.channel.readInbound(as: HTTPServerRequestPart.self) == .head(head))
    }

    @Test
    func theRestOfARefusedRequestIsNotWaitedForLong() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head(hasHost: false))

        connection.advance(.seconds(4))
        #expect(connection.channel.isActive)
        connection.advance(.seconds(2))

        #expect(!connection.channel.isActive)
    }

    @Test
    func aBrokenBodyIsAnswered() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())
        connection.channel.pipeline.fireErrorCaught(HTTPParserError.invalidChunkSize)

        #expect(try connection.sent().count == 3)
        #expect(!connection.channel.isActive)
    }

    @Test
    func aBrokenBodyCutsAnAnswerThatHasBegun() throws {
        let connection = try GuardedConnection()
        try connection.receive(GuardedConnection.head())
        try connection.send(GuardedConnection.answer(.ok))

        connection.channel.pipeline.fireErrorCaught(HTTPParserError.invalidChunkSize)

        #expect(try connection.sent().count == 1)
        #expect(!connection.channel.isActive)
    }

    @Test(arguments: [(HTTPParserError.headerOverflow, 431), (.invalidMethod, 400)])
    func aRequestThatCannotBeReadGetsTheGatewaysOwnError(error: HTTPParserError, status: Int) throws {
        let connection = try GuardedConnection()

        connection.channel.pipeline.fireErrorCaught(error)

        let sent = try connection.sent()
        guard case .head(let head) = try #require(sent.first), case .body(.byteBuffer(let body)) = sent[1] else {
            throw Unexpected()
        }
        #expect(head.status.code == status)
        let object = try JSONSerialization.jsonObject(with: Data(String(buffer: body).utf8)) as? [String: [String: Any]]
        #expect(Set(try #require(object?["error"]).keys) == ["message", "type", "param", "code"])
    }

    @Test
    func whoeverWorksForTheClientLearnsThatItHasGone() throws {
        let connection = try GuardedConnection()
        let calls = Mutex<[String]>([])
        _ = connection.watcher.onDisconnect { calls.withLock { $0.append("told") } }
        let ticket = connection.watcher.onDisconnect { calls.withLock { $0.append("forgotten") } }
        connection.watcher.forget(ticket)

        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        connection.channel.pipeline.fireChannelInactive()

        #expect(calls.withLock { $0 } == ["told"])
    }

    @Test
    func whoeverComesAfterTheClientLeftIsToldAtOnce() throws {
        let connection = try GuardedConnection()
        let calls = Mutex(0)
        try connection.channel.close().wait()

        _ = connection.watcher.onDisconnect { calls.withLock { $0 += 1 } }

        #expect(calls.withLock { $0 } == 1)
    }
}

/// A part came that the test did not expect.
private struct Unexpected: Error {}
