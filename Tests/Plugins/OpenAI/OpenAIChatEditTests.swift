import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

/// Chat requests for providers that have other names for things.
struct OpenAIChatEditTests {
    private let harness: PluginHarness<OpenAIAdapter>

    init() throws {
        harness = try PluginHarness(
            configuration: [
                "provider": "p", "base_url": "https://a.example", "headers": [], "operations": ["chat", "embeddings"],
                "quirks": [
                    "chat_rename": ["max_completion_tokens": "max_tokens"], "chat_drop": ["store", "stream_options"],
                    "chat_roles": ["developer": "system"],
                ],
            ]
        )
    }

    private func sent(_ request: String, as references: [(String, String)] = []) throws -> String? {
        let input = Array(request.utf8)
        let places = try references.map { literal, upstreamID in
            let quoted = Array("\"\(literal)\"".utf8)
            let start = try #require(input.indices.first { input[$0...].starts(with: quoted) })
            return Reference(
                kind: .model,
                range: start..<(start + quoted.count),
                clientID: literal,
                upstreamID: upstreamID
            )
        }
        return try harness.start(.chat, input: input, references: places).last?.bodyText(input: input)
    }

    @Test(arguments: [
        (#"{"model":"m"}"#, #"{"model":"m"}"#), (#"{}"#, #"{}"#), (#" { } "#, #" { } "#),
        (#"{"max_completion_tokens": 5}"#, #"{"max_tokens": 5}"#),
        (#"{"store":true}"#, #"{}"#), (#"{"store":true,"n":1}"#, #"{"n":1}"#), (#"{"n":1,"store":true}"#, #"{"n":1}"#),
        (#"{"n":1 , "store":{"a":[1,"}"]} , "x":2}"#, #"{"n":1 , "x":2}"#),
        (#"{"store":1,"stream_options":{},"n":1}"#, #"{"n":1}"#),
        (#"{"n":1,"store":1,"stream_options":{"a":"\"]"} }"#, #"{"n":1 }"#),
        (#"{"store":1,"n":1,"stream_options":2}"#, #"{"n":1}"#), (#"{"store":1,"stream_options":2}"#, #"{}"#),
        (#"{"store":1,"max_completion_tokens":2}"#, #"{"max_tokens":2}"#),
        (
            #"{"messages":[{"role":"developer","content":"store"},{"content":"developer","role" : "developer"}]}"#,
            #"{"messages":[{"role":"system","content":"store"},{"content":"developer","role" : "system"}]}"#
        ),
        (
            #"{"messages":[{"role":"user","content":[{"role":"developer"}]}],"role":"developer"}"#,
            #"{"messages":[{"role":"user","content":[{"role":"developer"}]}],"role":"developer"}"#
        ),
        (#"{"messages":"developer","tools":[{"store":1}]}"#, #"{"messages":"developer","tools":[{"store":1}]}"#),
        (#"{"messages":[1,null,"developer",[]]}"#, #"{"messages":[1,null,"developer",[]]}"#),
        (#"{"sto\u0072e":1}"#, #"{"sto\u0072e":1}"#),
    ])
    func namesAreTheProvidersOwn(request: String, expected: String) throws {
        #expect(try sent(request) == expected)
    }

    @Test
    func placesOfTheHostAreReplacedBesideThem() throws {
        let sent = try sent(
            #"{"model":"public","store":"file-1","max_completion_tokens":2,"user":"file-2","stream_options":"file-3"}"#,
            as: [("public", "upstream"), ("file-1", "a"), ("file-2", "b"), ("file-3", "c")]
        )

        #expect(sent == #"{"model":"upstream","max_tokens":2,"user":"b"}"#)
    }

    @Test
    func oneThingUnderTwoNamesIsRefused() throws {
        let probe = try harness.start(.chat, input: ["max_tokens": 1, "max_completion_tokens": 2])

        #expect(probe.failure?.reason == .invalid)
        #expect(probe.failure?.parameter == "max_completion_tokens")
        #expect(probe.commands.allSatisfy { $0.kind != .http })
    }

    @Test(arguments: [
        "", " ", "[]", "7", "{", #"{"a"#, #"{"a""#, #"{"a":"#, #"{"a":}"#, #"{"a":1"#, #"{"a":1,"#, #"{"a":1,}"#,
        #"{"a":[1}"#, #"{"a":{"b":1}"#, #"{"a":"\"#, #"{"a":"\"}"#, #"{a:1}"#, #"{"messages":[}"#,
        #"{"messages":[{"role"}]}"#,
    ])
    func whatIsNoObjectIsRefusedBeforeItIsSent(request: String) throws {
        let probe = try harness.start(.chat, input: Array(request.utf8))

        #expect(probe.failure?.reason == .invalid)
        #expect(probe.commands.allSatisfy { $0.kind != .http })
    }

    @Test
    func moreChangesThanAHostTakesAreRefused() throws {
        let messages = Array(repeating: #"{"role":"developer"}"#, count: 16_385)

        let most = try sent("{\"messages\":[\(messages.dropFirst().joined(separator: ","))]}")
        let more = try harness.start(.chat, input: Array("{\"messages\":[\(messages.joined(separator: ","))]}".utf8))

        #expect(most?.contains("developer") == false)
        #expect(more.failure?.reason == .invalid)
        #expect(more.commands.allSatisfy { $0.kind != .http })
    }

    @Test
    func depthCostsNothing() throws {
        let nested = String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)

        #expect(try sent("{\"a\":\(nested),\"store\":1}") == "{\"a\":\(nested)}")
    }

    @Test
    func everyCutOfARequestIsRefusedOrPassedOn() throws {
        let request = #"{"model":"m","store":{"a":"\\\"]"},"messages":[{"role":"developer"}],"stream_options":[1]}"#
        for length in 0..<request.utf8.count {
            let probe = try harness.start(.chat, input: Array(request.utf8.prefix(length)))
            #expect(probe.failure?.reason == .invalid)
        }
    }

    @Test
    func otherRequestsAreLeftAlone() throws {
        let input = Array(#"{"store":1,"max_completion_tokens":2}"#.utf8)

        #expect(try harness.start(.embed, input: input).last?.body == [.input(0..<input.count)])
    }
}
