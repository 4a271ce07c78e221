import Foundation
import HostPlugins
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HostServer

/// Calls that record what they are told, and answer when a test says so.
private final class RecordedCalls: FastCallMaker {
    final class Call: LaneCall {
        let uri: String
        let lane: FastLane
        var events: [String] = []
        var answersAtOnce = false
        var refusesAtOnce = false

        init(_ uri: String, _ lane: FastLane) {
            self.uri = uri
            self.lane = lane
        }

        func begin() {
            events.append("begin")
            if refusesAtOnce { answer() }
        }
        func receive(_ bytes: ByteBuffer) { events.append("body \(bytes.readableBytes)") }
        func receiveEnd() {
            events.append("end")
            if answersAtOnce { answer() }
        }
        func cancel() { events.append("cancel") }
        func writabilityChanged(to isWritable: Bool) { events.append("writable \(isWritable)") }

        func answer(_ body: String = "", length: Int? = nil) {
            var head = AnswerHead(.ok, length: length)
            head.add("from", uri)
            lane.begin(head)
            if !body.isEmpty { lane.write(ByteBuffer(string: body)) }
            lane.end()
        }
    }

    var made: [Call] = []
    var answerAtOnce = false
    var refuseAtOnce = false

    func makeCall(
        _: RequestFields,
        _ match: FastRoutes.Match,
        on lane: FastLane,
        loop _: any EventLoop
    ) -> any LaneCall {
        let call = Call(match.model.map { "/chat/\($0)" } ?? "/chat", lane)
        call.answersAtOnce = answerAtOnce
        call.refusesAtOnce = refuseAtOnce
        made.append(call)
        return call
    }
}

/// Stands where the router does, and counts the reads that get past the lane.
private final class Router: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    var parts: [HTTPServerRequestPart] = []
    var events: [any Sendable] = []
    var errors: [any Error] = []

    /// As a channel of async sequences does, which takes parts when a turn of reading ends.
    private var read: [HTTPServerRequestPart] = []

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) { read.append(unwrapInboundIn(data)) }
    func channelReadComplete(context _: ChannelHandlerContext) {
        parts += read
        read = []
    }
    func errorCaught(context _: ChannelHandlerContext, error: any Error) { errors.append(error) }
    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelShouldQuiesceEvent { events.append(event) }
    }
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart

    var reads = 0

    func read(context: ChannelHandlerContext) {
        reads += 1
        context.read()
    }
}

private final class Lane {
    let channel = EmbeddedChannel()
    let calls = RecordedCalls()
    let router = Router()
    let reads = ReadCounter()

    init() throws {
        var routes = FastRoutes()
        routes.add("/chat", .chat)
        routes.add("/chat/:model", .chat)
        let watcher = ConnectionGuard()
        let lane = FastLane(routes: routes, calls: calls, watcher: watcher)
        let handlers: [any ChannelHandler] = [HTTPResponseEncoder(), reads, lane, OldHTTPHandler(), watcher, router]
        try channel.pipeline.syncOperations.addHandlers(handlers)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func send(
        _ uri: String,
        method: HTTPMethod = .POST,
        version: HTTPVersion = .http1_1,
        headers: HTTPHeaders = [:]
    ) throws {
        try channel.writeInbound(head(uri, method, version: version, headers: headers))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    func head(
        _ uri: String,
        _ method: HTTPMethod = .POST,
        version: HTTPVersion = .http1_1,
        headers: HTTPHeaders = [:],
        hosts: Int = 1
    ) -> HTTPServerRequestPart {
        var headers = headers
        for _ in 0..<hosts { headers.add(name: "Host", value: "gantry.test") }
        return .head(HTTPRequestHead(version: version, method: method, uri: uri, headers: headers))
    }

    func routerAnswers() throws {
        try channel.writeOutbound(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok)))
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
    }

    /// All that went out.
    func sent() throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    /// The `from` of each head that went out, "router" for the router's.
    func answers() throws -> [String] {
        try sent().components(separatedBy: "HTTP/1.1 200 OK\r\n").dropFirst().map { answer in
            let lines = answer.components(separatedBy: "\r\n")
            return lines.first { $0.hasPrefix("from: ") }.map { String($0.dropFirst(6)) } ?? "router"
        }
    }
}

struct FastLaneTests {
    @Test
    func aHotRequestNeverComesToTheRouter() throws {
        let lane = try Lane()
        try lane.channel.writeInbound(lane.head("/chat"))
        try lane.channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "abc")))
        try lane.channel.writeInbound(HTTPServerRequestPart.end(nil))

        lane.calls.made[0].answer()

        #expect(lane.calls.made[0].events == ["begin", "body 3", "end"])
        #expect(lane.router.parts.isEmpty)
        #expect(try lane.answers() == ["/chat"])
    }

    @Test(arguments: [0, 2])
    func aRequestWithAnotherNumberOfHostsIsRefused(hosts: Int) throws {
        let lane = try Lane()

        try lane.channel.writeInbound(lane.head("/chat", hosts: hosts))
        try lane.channel.writeInbound(HTTPServerRequestPart.end(nil))

        #expect(lane.calls.made.isEmpty && lane.router.parts.isEmpty)
        #expect(try lane.sent().hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(!lane.channel.isActive)
    }

    @Test
    func whatWaitsIsSentWhenTheClientTakesNoMore() throws {
        let lane = try Lane()
        try lane.send("/chat")
        let call = lane.calls.made[0]
        call.lane.begin(AnswerHead(.ok, length: 10_000))
        call.lane.write(ByteBuffer(repeating: 0x61, count: 5000))
        #expect(try lane.sent().isEmpty)

        lane.channel.isWritable = false
        lane.channel.pipeline.fireChannelWritabilityChanged()
        lane.channel.embeddedEventLoop.run()

        #expect(call.events.last == "writable false")
        #expect(try lane.sent().utf8.count > 5000)
    }

    @Test(arguments: [("/chat", HTTPMethod.GET), ("/chats", .POST), ("/", .POST)])
    func everyOtherRequestIsTheRouters(uri: String, method: HTTPMethod) throws {
        let lane = try Lane()

        try lane.send(uri, method: method)

        #expect(lane.router.parts.count == 2 && lane.calls.made.isEmpty)
    }

    @Test
    func whatIsSentAheadWaitsForTheAnswerBefore() throws {
        let lane = try Lane()
        for uri in ["/chat", "/models", "/chat/2", "/files"] { try lane.send(uri) }

        #expect(lane.calls.made.count == 1 && lane.router.parts.isEmpty)
        lane.calls.made[0].answer()
        #expect(lane.calls.made.count == 1 && lane.router.parts.count == 2)
        try lane.routerAnswers()
        #expect(lane.calls.made.count == 2 && lane.router.parts.count == 2)
        lane.calls.made[1].answer()
        #expect(lane.router.parts.count == 4)
        try lane.routerAnswers()

        #expect(try lane.answers() == ["/chat", "router", "/chat/2", "router"])
    }

    @Test
    func aThousandRequestsSentAheadAreAnsweredInTurn() throws {
        let lane = try Lane()
        try lane.channel.writeInbound(lane.head("/chat/first"))
        try lane.channel.writeInbound(HTTPServerRequestPart.end(nil))
        for number in 0..<1000 { try lane.send("/chat/\(number)") }

        lane.calls.answerAtOnce = true
        lane.calls.made[0].answer()

        #expect(try lane.answers() == ["/chat/first"] + (0..<1000).map { "/chat/\($0)" })
    }

    @Test
    func readingStopsWhileSomethingWaits() throws {
        let lane = try Lane()
        try lane.send("/chat")
        lane.channel.read()
        let before = lane.reads.reads
        try lane.send("/chat/2")

        lane.channel.read()
        lane.channel.read()
        #expect(lane.reads.reads == before)
        lane.calls.made[0].answer()

        #expect(lane.reads.reads == before + 1)
    }

    @Test
    func anAnswerBeforeTheRequestsEndKeepsTheNextRequestWaiting() throws {
        let lane = try Lane()
        try lane.channel.writeInbound(lane.head("/chat"))
        lane.calls.made[0].answer()
        try lane.channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "late")))
        try lane.channel.writeInbound(lane.head("/chat/2"))

        #expect(lane.calls.made.count == 1)
    }

    @Test
    func aClientThatGoesCancelsItsCallAndWhatItSentAhead() throws {
        let lane = try Lane()
        try lane.send("/chat")
        try lane.send("/chat/2")

        lane.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)

        #expect(lane.calls.made.map(\.events) == [["begin", "end", "cancel"]])
        #expect(!lane.channel.isActive)
    }

    @Test
    func aShutdownWaitsForTheCallsThatRun() throws {
        let lane = try Lane()
        try lane.send("/chat")

        lane.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(lane.router.events.isEmpty)
        lane.calls.made[0].answer()

        #expect(lane.router.events.count == 1)
    }

    @Test
    func anErrorIsToldAfterWhatCameBeforeItWasAnswered() throws {
        let lane = try Lane()
        try lane.send("/chat")

        lane.channel.pipeline.fireErrorCaught(ChannelError.inputClosed)
        #expect(lane.router.errors.isEmpty)
        lane.calls.made[0].answer()

        #expect(lane.router.errors.count == 1)
    }

    @Test
    func whatIsNoRequestIsRefusedAfterTheRoutersAnswers() throws {
        let lane = try Lane()
        for _ in 0..<3 { try lane.send("/models", method: .GET) }
        lane.channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)

        for _ in 0..<3 { try lane.routerAnswers() }

        let sent = try lane.sent()
        #expect(sent.components(separatedBy: "HTTP/1.1 200 OK\r\n").count == 4)
        #expect(sent.contains("HTTP/1.1 400 Bad Request\r\n"))
        #expect(!lane.channel.isActive)
    }

    @Test
    func whatIsNoRequestIsRefusedAfterWhatCameBefore() throws {
        let lane = try Lane()
        try lane.send("/chat")

        lane.channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)
        lane.calls.made[0].answer("{}", length: 2)

        let sent = try lane.sent()
        #expect(sent.hasPrefix("HTTP/1.1 200 OK\r\n") && sent.contains("{}HTTP/1.1 400 Bad Request\r\n"))
        #expect(!lane.channel.isActive)
    }

    @Test
    func aCallClosesItsConnectionIfTheClientAsks() throws {
        let lane = try Lane()
        try lane.send("/chat", headers: ["connection": "close"])

        lane.calls.made[0].answer("{}", length: 2)

        #expect(
            try lane.sent()
                == "HTTP/1.1 200 OK\r\nfrom: /chat\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
        )
        #expect(!lane.channel.isActive)
    }

    @Test(arguments: [[:], ["connection": "keep-alive"]])
    func anOldClientGetsNoChunksAndItsConnectionCloses(headers: [String: String]) throws {
        let lane = try Lane()
        try lane.send("/chat", version: .http1_0, headers: HTTPHeaders(Array(headers)))

        lane.calls.made[0].answer("{}")

        #expect(try lane.sent() == "HTTP/1.0 200 OK\r\nfrom: /chat\r\nconnection: close\r\n\r\n{}")
        #expect(!lane.channel.isActive)
    }

    @Test
    func whatWasSentAfterTheLastRequestIsNotServed() throws {
        let lane = try Lane()
        try lane.send("/chat", headers: ["connection": "close"])
        try lane.send("/chat/2")

        lane.calls.made[0].answer("{}", length: 2)

        #expect(lane.calls.made.count == 1)
        #expect(!lane.channel.isActive)
    }

    @Test
    func anAnswerThatIsNotAsLongAsItSaidBreaksTheConnection() throws {
        let lane = try Lane()
        try lane.send("/chat")

        lane.calls.made[0].answer("{}", length: 3)

        #expect(!lane.channel.isActive)
        #expect(lane.calls.made[0].events.last == "cancel")
    }

    @Test
    func aRefusalBeforeTheBodyClosesTheConnectionAfterTheBody() throws {
        let lane = try Lane()
        lane.calls.refuseAtOnce = true
        try lane.channel.writeInbound(lane.head("/chat"))
        #expect(try lane.sent().contains("\r\nconnection: close\r\n"))
        try lane.channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "late")))
        #expect(lane.channel.isActive)

        try lane.channel.writeInbound(HTTPServerRequestPart.end(nil))

        #expect(!lane.channel.isActive)
    }

    @Test
    func aBodyThatDripsIsRefusedAndItsCallCancelled() throws {
        let lane = try Lane()
        try lane.channel.writeInbound(lane.head("/chat"))
        try lane.channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "a")))

        lane.channel.embeddedEventLoop.advanceTime(by: .seconds(31))

        #expect(try lane.sent().hasPrefix("HTTP/1.1 408 "))
        #expect(lane.calls.made[0].events.last == "cancel" && !lane.channel.isActive)
    }

    @Test
    func anIdleConnectionClosesAfterACall() throws {
        let lane = try Lane()
        try lane.send("/chat")
        lane.calls.made[0].answer()

        lane.channel.embeddedEventLoop.advanceTime(by: .seconds(74))
        #expect(lane.channel.isActive)
        lane.channel.embeddedEventLoop.advanceTime(by: .seconds(2))

        #expect(!lane.channel.isActive)
    }

    @Test(arguments: [(HTTPVersion.http1_1, "HTTP/1.1 100 Continue\r\n\r\n"), (.http1_0, "")])
    func aClientThatWaitsForItIsToldToGoOn(version: HTTPVersion, sent: String) throws {
        let lane = try Lane()

        try lane.channel.writeInbound(lane.head("/chat", version: version, headers: ["Expect": "100-Continue"]))

        #expect(try lane.sent() == sent)
    }
}

struct FastRoutesTests {
    private let routes = {
        var routes = FastRoutes()
        routes.add("/v1/chat/completions", .chat)
        routes.add("/engines/:model/embeddings", .embed)
        return routes
    }()

    @Test(arguments: [
        "/v1/chat/completions", "/v1/chat/completions/", "//v1/chat/completions", "/v1/chat/completions?api-version=1",
        "http://gateway:4000/v1/chat/completions",
    ])
    func aPathIsFoundHoweverItIsWritten(target: String) throws {
        let match = try #require(routes.match(target))

        #expect(match.kind == .chat && match.model == nil)
    }

    @Test(arguments: [
        "", "/", "*", "/v1/chat", "/v1/chat/completions/x", "/V1/chat/completions", "/v1/chat%2Fcompletions", "http://",
        "/v1/chat/completions#x", "http://gateway", "?/v1/chat/completions", "/engines/embeddings",
        "/engines//embeddings",
    ])
    func otherPathsAreNot(target: String) {
        #expect(routes.match(target) == nil)
    }

    @Test
    func aModelInThePathIsGivenAsItStandsThere() throws {
        let match = try #require(routes.match("/engines/a%20b/embeddings?x=/engines/c/embeddings"))

        #expect(match.kind == .embed && match.model == "a%20b")
    }
}

struct HTTPDateTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_709_208_000, "Thu, 29 Feb 2024 12:00:00 GMT"),
    ])
    func aMomentIsWrittenAsTheRuleSays(second: Int, text: String) {
        #expect(HTTPDate.text(of: second) == text)
    }
}
