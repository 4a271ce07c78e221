import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

struct OpenAIChatTests {
    private static let input = Array(
        #"{"model":"public","messages":[{"content":[{"type":"file","file":{"file_id":"file-gantry"}}]}]}"#.utf8
    )

    private let harness: PluginHarness<OpenAIAdapter>

    init() throws { harness = try .standard() }

    private func reference(
        _ kind: Reference.Kind,
        _ literal: String,
        as upstreamID: String
    ) throws -> Reference {
        let quoted = Array("\"\(literal)\"".utf8)
        let start = try #require(
            Self.input.indices.first { Self.input[$0...].starts(with: quoted) }
        )
        return Reference(kind: kind, range: start..<(start + quoted.count), clientID: literal, upstreamID: upstreamID)
    }

    @Test(arguments: [(OperationKind.chat, "/chat/completions"), (.embed, "/embeddings")])
    func theRequestIsSplicedAndTheAnswerPiped(kind: OperationKind, path: String) throws {
        let references = [
            try reference(.model, "public", as: "gpt-4o-mini"),
            try reference(.file, "file-gantry", as: #"file-"quoted"\é"#),
        ]

        let probe = try harness.start(kind, input: Self.input, references: references, streaming: true)
        let request = try #require(probe.last)
        probe.head(status: 200, headers: [("content-type", "text/event-stream")])
        probe.end()

        #expect(request.method == "POST")
        #expect(request.url == "https://api.openai.com/v1" + path)
        #expect(request.header("content-type")?.value == "application/json")
        #expect(request.header("authorization")?.secret == "key")
        #expect(request.code == 1)
        #expect(request.flags == 0)
        #expect(
            request.bodyText(input: Self.input)
                == #"{"model":"gpt-4o-mini","messages":[{"content":[{"type":"file","file":{"file_id":"#
                + #""file-\"quoted\"\\é"}}]}]}"#
        )
        #expect(request.body.count == 5)
        #expect(probe.commands.map { $0.kind } == [.http, .pipe, .result])
        #expect(probe.result == [:])
    }

    @Test
    func aRequestWithoutPlacesIsPassedAsItIs() throws {
        let probe = try harness.start(.chat, input: Self.input)

        #expect(probe.last?.body == [.input(0..<Self.input.count)])
    }

    @Test(arguments: [[5..<9, 3..<7], [5..<9, 5..<9], [5..<9, 8..<12], [90..<200], [0..<500]])
    func placesThatContradictEachOtherAreRefused(ranges: [Range<Int>]) throws {
        let references = ranges.map { Reference(kind: .file, range: $0, clientID: "c", upstreamID: "u") }

        let probe = try harness.start(.chat, input: Self.input, references: references)

        #expect(probe.failure?.reason == .internalError)
        #expect(probe.commands.count == 1)
    }

    @Test
    func placesMayTouchEachOtherAndTheEdges() throws {
        let references = [0..<4, 4..<4, 4..<Self.input.count].map {
            Reference(kind: .file, range: $0, clientID: "c", upstreamID: "u")
        }

        let probe = try harness.start(.chat, input: Self.input, references: references)

        #expect(probe.last?.bodyText(input: Self.input) == #""u""u""u""#)
    }

    @Test
    func anErrorIsCollectedAndNotPiped() throws {
        let probe = try harness.start(.chat, input: Self.input)
        let body = Fixtures.error("The model `x` does not exist", code: "model_not_found", param: "model")

        probe.respond(404, body)

        #expect(
            probe.failure
                == Failure(
                    .notFound,
                    "The model `x` does not exist",
                    upstreamStatus: 404,
                    parameter: "model",
                    mayFallBack: true
                )
        )
        #expect(probe.commands.map { $0.kind } == [.http, .error])
    }

    @Test
    func anErrorWithoutEndIsBounded() throws {
        let probe = try harness.start(.chat, input: Self.input)
        probe.head(status: 500)
        var pieces = 0
        while !probe.isOver, pieces < 100 {
            probe.data(Array(repeating: UInt8(ascii: "x"), count: 10_000))
            pieces += 1
        }

        #expect(pieces == 7)
        #expect(probe.commands.map { $0.kind } == [.http, .abort, .error])
        #expect(probe.failure?.message == "The provider answered with status 500.")
    }

    @Test
    func anErrorIsTheSameInWhateverPiecesItComes() throws {
        let body = Array(Fixtures.error("Too long: é😀", code: "context_length_exceeded", param: "messages").utf8)
        for offset in 0...body.count {
            let probe = try harness.start(.chat, input: Self.input)
            probe.head(status: 400)
            probe.data(Array(body[..<offset]))
            probe.data(Array(body[offset...]))
            probe.end()

            #expect(probe.failure?.reason == .contextLength)
            #expect(probe.failure?.message == "Too long: é😀")
        }
    }

    @Test
    func anErrorThatIsCutOffIsStillAnError() throws {
        let body = Array(Fixtures.error("Too long", code: "context_length_exceeded").utf8)
        for offset in 0..<body.count {
            let probe = try harness.start(.chat, input: Self.input)
            probe.respond(400, String(decoding: body[..<offset], as: UTF8.self))

            #expect(probe.failure?.reason == .invalid)
            #expect(probe.failure?.message == "The provider answered with status 400.")
        }
    }
}
