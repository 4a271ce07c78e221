import GantryPlugin
import PluginHarness
import Testing

/// Events that drive the sample adapter from the start to the end.
struct Script: Sendable, CustomTestStringConvertible {
    let kind: OperationKind
    let events: [ProbeEvent]

    var testDescription: String { "\(kind)" }

    static let all = [chat, embed, create, content, relay, lines]

    static let chat = Script(
        kind: .chat,
        events: [
            .start(
                input: Array(#"{"model":"public"}"#.utf8),
                references: [Reference(kind: .model, range: 9..<17, clientID: "public", upstreamID: "private")],
                streaming: true
            ),
            .token("t0k3n"), .timer,
            .head(200, [("content-type", "text/event-stream"), ("x-long", String(repeating: "h", count: 300))]),
            .data(Array("one".utf8), event: "first"), .data(Array("two".utf8)), .data([]), .end,
        ]
    )

    static let embed = Script(
        kind: .embed,
        events: [.start(input: Array("{}".utf8), sourceLength: 0), .head(200), .data(Array("[]".utf8)), .end]
    )

    static let create = Script(
        kind: .fileCreate,
        events: [.start(input: Array("{}".utf8), sourceLength: 5), .head(201), .data(Array("id-1".utf8)), .end, .timer]
    )

    static let relay = Script(kind: .probe, events: [.start(input: Array("{}".utf8)), .head(200), .end])

    static let lines = Script(
        kind: .inputCreate,
        events: [
            .start(input: Array("{}".utf8)),
            .source(
                SourceLine(
                    bytes: Array(#"{"m":"a"}"#.utf8),
                    references: [Reference(kind: .response, range: 5..<8, clientID: "a", upstreamID: "b")]
                )
            ),
            .timer, .source(SourceLine(bytes: [])), .source(SourceLine(bytes: Array("x".utf8))), .sourceEnd,
        ]
    )

    static let content = Script(kind: .fileContent, events: [.start(input: Array("{}".utf8)), .head(206), .end])

    /// Delivers all events to a new operation.
    func run<A: Adapter>(_ harness: PluginHarness<A>) throws -> OperationProbe {
        let probe = try harness.makeOperation(kind)
        for event in events { probe.deliver(event) }
        return probe
    }
}

extension ProbeCommand {
    /// Everything that the command says, for comparisons.
    var summary: String {
        "\(String(describing: kind)) \(flags) \(request) \(code) \(upstream) \(value) \(data) \(text) \(method) \(url) "
            + "\(headers) \(body)"
    }
}
