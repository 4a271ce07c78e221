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

        init(_ uri: String, _ lane: FastLane) {
            self.uri = uri
            self.lane = lane
        }

        func begin() { events.append("begin") }
        func receive(_ bytes: ByteBuffer) { events.append("body \(bytes.readableBytes)") }
        func receiveEnd() {
            events.append("end")
            if answersAtOnce { answer() }
        }
        func cancel() { events.append("cancel") }
        func writabilityChanged(to isWritable: Bool) { events.append("writable \(isWritable)") }

        func answer(closing: Bool = false) {
            let headers: HTTPHeaders = ["from": uri]
            lane.write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)))
            lane.writeEnd(closing: closing)
        }
    }

    var made: [Call] = []
    var answerAtOnce = false

    func makeCall(
        _ head: HTTPRequestHead,
        _: FastRoutes.Match,
        on lane: FastLane,
        loop _: any EventLoop
    ) -> any LaneCall {
        let call = Call(head.uri, lane)
        call.answersAtOnce = answerAtOnce
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
        let lane = FastLane(routes: routes, calls: calls)
        try channel.pipeline.syncOperations.addHandlers([reads, lane, router])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func send(_ uri: String, method: HTTPMethod = .POST) throws {
        try channel.writeInbound(head(uri, method))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    func head(_ uri: String, _ method: HTTPMethod = .POST) -> HTTPServerRequestPart {
        .head(HTTPRequestHead(version: .http1_1, method: method, uri: uri))
    }

    func routerAnswers() throws {
        try channel.writeOutbound(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok)))
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
    }

    /// The `from` of each head that went out, "router" for the router's.
    func answers() throws -> [String] {
        var answers: [String] = []
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            if case .head(let head) = part { answers.append(head.headers.first(name: "from") ?? "router") }
        }
        return answers
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

    @Test(arguments: [("/chat", HTTPMethod.GET), ("/chats", .POST), ("/", .POST)])
    func everyOtherRequestIsTheRouters(uri: String, method: HTTPMethod) throws {
        let lane = try Lane()

        try lane.send(uri, method: method)

        #expect(lane.router.parts.count == 2 && lane.calls.made.isEmpty)
    }

    @Test
    func whatIsSentAheadWaitsForTheAnswerBefore() throws {
        let lane = try Lane()
        for uri in ["/chat", "/models", "/chat?2", "/files"] { try lane.send(uri) }

        #expect(lane.calls.made.count == 1 && lane.router.parts.isEmpty)
        lane.calls.made[0].answer()
        #expect(lane.calls.made.count == 1 && lane.router.parts.count == 2)
        try lane.routerAnswers()
        #expect(lane.calls.made.count == 2 && lane.router.parts.count == 2)
        lane.calls.made[1].answer()
        #expect(lane.router.parts.count == 4)
        try lane.routerAnswers()

        #expect(try lane.answers() == ["/chat", "router", "/chat?2", "router"])
    }

    @Test
    func aThousandRequestsSentAheadAreAnsweredInTurn() throws {
        let lane = try Lane()
        try lane.channel.writeInbound(lane.head("/chat?first"))
        try lane.channel.writeInbound(HTTPServerRequestPart.end(nil))
        for number in 0..<1000 { try lane.send("/chat?\(number)") }

        lane.calls.answerAtOnce = true
        lane.calls.made[0].answer()

        #expect(try lane.answers() == ["/chat?first"] + (0..<1000).map { "/chat?\($0)" })
    }

    @Test
    func readingStopsWhileSomethingWaits() throws {
        let lane = try Lane()
        try lane.send("/chat")
        lane.channel.read()
        let before = lane.reads.reads
        try lane.send("/chat?2")

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
        #expect(lane.calls.made.count == 1)

        try lane.channel.writeInbound(HTTPServerRequestPart.end(nil))
        try lane.send("/chat?2")

        #expect(lane.calls.made.count == 2)
    }

    @Test
    func aClientThatGoesCancelsItsCallAndWhatItSentAhead() throws {
        let lane = try Lane()
        try lane.send("/chat")
        try lane.send("/chat?2")

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

        lane.channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)
        #expect(lane.router.errors.isEmpty)
        lane.calls.made[0].answer()

        #expect(lane.router.errors.count == 1)
    }

    @Test
    func aCallMayCloseItsConnection() throws {
        let lane = try Lane()
        try lane.send("/chat")

        lane.calls.made[0].answer(closing: true)

        #expect(try lane.answers() == ["/chat"])
        #expect(!lane.channel.isActive)
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
