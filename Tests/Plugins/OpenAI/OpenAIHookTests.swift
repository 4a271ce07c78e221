import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

final class OpenAIHookTests {
    private static let input = Array(#"{"model":"public","file":"file-gantry"}"#.utf8)
    private static let references = [
        Reference(kind: .model, range: 9..<17, clientID: "public", upstreamID: "gpt"),
        Reference(
            kind: .file,
            range: 25..<38,
            clientID: "file-gantry",
            upstreamID: "file-1",
            mimeType: "text/plain",
            filename: "a.txt"
        ),
    ]

    // An operation lives no longer than the instance that it belongs to.
    private var harnesses: [PluginHarness<OpenAIAdapter>] = []

    private func harness(
        _ hooks: [HookFunctions.Hook: ([HookInput]) -> HookAnswer]
    ) throws -> PluginHarness<OpenAIAdapter> {
        let host = FakeHost()
        for (hook, function) in hooks { host.hooks[hook.rawValue] = function }
        let harness = try PluginHarness<OpenAIAdapter>(
            parameters: ["model": "gpt", "api_key": ["secret": "key"]],
            host: host
        )
        harnesses.append(harness)
        return harness
    }

    private func start(
        _ kind: OperationKind,
        streaming: Bool = false,
        _ hooks: [HookFunctions.Hook: ([HookInput]) -> HookAnswer]
    ) throws -> OperationProbe {
        try harness(hooks).start(kind, input: Self.input, references: Self.references, streaming: streaming)
    }

    @Test(arguments: [(OperationKind.chat, "chat"), (.embed, "embeddings"), (.responses, "responses")])
    func namesOfModelsAndFilesComeFromTheirHooks(kind: OperationKind, operation: String) throws {
        let probe = try start(
            kind,
            [
                .modelName: { HookAnswer("\($0[0].text)@\($0[1].text)") },
                .fileReference: { HookAnswer("acme://\($0[0].text)?\($0[1].text)&\($0[2].text)\"") },
            ]
        )

        #expect(
            probe.last?.bodyText(input: Self.input)
                == #"{"model":"gpt@\#(operation)","file":"acme://file-1?text/plain&a.txt\""}"#
        )
    }

    @Test
    func aChatWithHooksOfItsRequestIsStillPiped() throws {
        let probe = try start(.chat, streaming: true, [.requestBody: { HookAnswer("<\($0[0].text)|\($0[1].text)>") }])
        let request = try #require(probe.last)
        probe.head(status: 200)
        probe.end()

        #expect(request.code == 1)
        #expect(request.bodyText() == #"<{"model":"gpt","file":"file-1"}|chat>"#)
        #expect(probe.commands.map(\.kind) == [.http, .pipe, .result])
    }

    @Test
    func everyRequestIsSignedAndAHeaderOfTheSameNameReplaced() throws {
        let sign: ([HookInput]) -> HookAnswer = {
            HookAnswer("Authorization: ACME \($0[0].text)\r\nX-Body: \($0[1].text) \($0[2].text) \($0[3].number)\n")
        }

        let chat = try start(.chat, [.sign: sign])
        let probe = try harness([.sign: sign]).start(.probe)
        let deletion = try harness([.sign: sign]).start(.fileDelete, input: ["id": "file-1"])
        let upload = try harness([.sign: sign]).start(
            .fileCreate,
            input: ["filename": "a", "purpose": "batch", "bytes": 3],
            sourceLength: 3
        )

        let authorization = try #require(chat.last?.headers.filter { $0.name.lowercased() == "authorization" })
        #expect(authorization == [ProbeCommand.Field(name: "Authorization", value: "ACME POST")])
        #expect(
            chat.last?.header("x-body")?.value
                == #"https://api.openai.com/v1/chat/completions {"model":"gpt","file":"file-1"} 1795305600000"#
        )
        #expect(probe.last?.header("authorization")?.value == "ACME GET")
        #expect(deletion.last?.header("authorization")?.value == "ACME DELETE")
        #expect(upload.last?.header("x-body")?.value == "https://api.openai.com/v1/files  1795305600000")
    }

    @Test(arguments: ["no colon", ": value", "na me: value", "X-Name: a\u{7}b", "Host: a", "Content-Length: 3"])
    func aLineThatIsNoHeaderToBeSetFailsTheRequest(line: String) throws {
        let probe = try start(.chat, [.sign: { _ in HookAnswer("X-Good: 1\n\(line)") }])

        #expect(probe.failure?.reason == .internalError)
        #expect(probe.failure?.message.contains("The hook sign") == true)
        #expect(probe.commands.count == 1)
    }

    @Test
    func anAnswerGoesThroughItsHook() throws {
        let probe = try start(.chat, [.responseBody: { HookAnswer(#"{"was":\#($0[0].text),"op":"\#($0[1].text)"}"#) }])
        let request = try #require(probe.last)
        probe.respond(200, "[1]")

        #expect(request.code == 0)
        #expect(probe.result == ["was": [1], "op": "chat"])
    }

    @Test
    func aStreamIsNoBody() throws {
        let probe = try start(.chat, streaming: true, [.responseBody: { _ in HookAnswer("{}") }])
        probe.head(status: 200)
        probe.end()

        #expect(probe.commands.map(\.kind) == [.http, .pipe, .result])
    }

    @Test
    func theEventsOfAChatGoThroughTheirHook() throws {
        let probe = try start(
            .chat,
            streaming: true,
            [
                .streamChunk: { HookAnswer($0[0].text == "drop" ? "" : "\($0[0].text)+\($0[1].text)+\($0[2].text)") }
            ]
        )
        let request = try #require(probe.last)
        probe.head(status: 200)
        for text in ["one", "drop", "two", "[DONE]"] { probe.data(text) }
        probe.end()

        #expect(request.code == 3)
        let outputs = probe.commands.filter { $0.kind == .output }.map { String(decoding: $0.data, as: UTF8.self) }
        #expect(outputs == ["one++chat", "two++chat"])
        #expect(probe.last?.kind == .result)
    }

    @Test
    func theEventsOfAResponseGoThroughTheirHookBeforeTheyAreLookedAt() throws {
        let probe = try start(
            .responses,
            streaming: true,
            [
                .streamChunk: { HookAnswer($0[0].text == "first" ? #"{"response":{"id":"resp_1"}}"# : $0[0].text) }
            ]
        )
        probe.head(status: 200)
        probe.data("first", event: "response.created")
        probe.data("{}", event: "response.completed")
        probe.end()

        #expect(probe.commands.map(\.kind) == [.http, .remember, .output, .output, .result])
        #expect(probe.commands[1].data == Array("resp_1".utf8))
    }

    @Test
    func aStreamWithoutEventsFails() throws {
        let probe = try start(.chat, streaming: true, [.streamChunk: { HookAnswer($0[0].text) }])
        probe.head(status: 200)
        probe.end()

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(arguments: [
        (OperationKind.chat, #"{"usage":{"prompt_tokens":7,"completion_tokens":12,"total_tokens":19}}"#),
        (.embed, #"{"usage":{"prompt_tokens":7,"total_tokens":7}}"#),
    ])
    func anAnswerWithoutUsageGetsOne(kind: OperationKind, expected: String) throws {
        let counts: ([HookInput]) -> HookAnswer = { HookAnswer(number: $0[0].text == "{}" ? 12 : 7) }

        let bare = try start(kind, [.countTokens: counts])
        bare.respond(200, "{}")
        let counted = try start(kind, [.countTokens: counts])
        counted.respond(200, #"{"usage":{"total_tokens":1}}"#)

        #expect(bare.commands.first?.kind == .usage)
        #expect(bare.commands.first?.json == ["prompt_tokens": 7])
        #expect(bare.last.map { String(decoding: $0.data, as: UTF8.self) } == expected)
        #expect(counted.result == ["usage": ["total_tokens": 1]])
    }

    @Test(arguments: [
        (HookFunctions.Hook.requestBody, Int32(-2), FailureReason.invalid), (.modelName, -1, .unsupported),
        (.fileReference, -6, .notFound), (.sign, -7, .internalError), (.requestBody, -5, .tooLarge),
        (.countTokens, -3, .internalError),
    ])
    func aHookThatFailsEndsTheRequestBeforeItIsSent(
        hook: HookFunctions.Hook,
        status: Int32,
        reason: FailureReason
    ) throws {
        for kind in [OperationKind.chat, .embed, .responses] {
            let probe = try start(kind, [hook: { _ in HookAnswer("The hook has failed: acme.", status: status) }])

            #expect(probe.failure?.reason == reason)
            #expect(probe.failure?.message == "The hook has failed: acme.")
            #expect(probe.commands.count == 1)
        }
    }

    @Test
    func aHookThatFailsOnAnAnswerFailsTheRequest() throws {
        let body = try start(.chat, [.responseBody: { _ in HookAnswer("no", status: -2) }])
        body.respond(200, "{}")
        let chunk = try start(.chat, streaming: true, [.streamChunk: { _ in HookAnswer("no", status: -7) }])
        chunk.head(status: 200)
        chunk.data("one")

        #expect(body.failure == Failure(.upstreamProtocol, "no"))
        #expect(chunk.failure == Failure(.upstreamProtocol, "no"))
    }

    @Test
    func aRefusalOfTheProviderIsNotGivenToHooks() throws {
        let probe = try start(.chat, [.responseBody: { _ in HookAnswer("{}") }])
        probe.respond(429, Fixtures.error("slow down"))

        #expect(probe.failure?.reason == .rateLimit)
    }
}
