import CGantryPlugin
import HostCore
import HostUpstream
import NIOCore
import Synchronization
import Testing

@testable import HostPlugins

@Suite(.timeLimit(.minutes(1)))
struct OperationHTTPTests {
    private static func echo(head: String, body: String, channel: any Channel) {
        channel.writeAndFlush(AnswerServer.answer("\(head)\n\n\(body)"), promise: nil)
    }

    /// A plugin that sends one request at START and answers with the body's first piece.
    private func sender(
        _ log: EventLog = EventLog(),
        _ send: @escaping @Sendable (ScriptedStep) -> Void
    ) throws -> ScriptedPlugin {
        try ScriptedPlugin(
            describe: #"{"params":{"api_key":{"kind":"secret"},"api_base":{"kind":"endpoint"}}}"#
        ) { step in
            log.add(step.event.line)
            switch step.event.kind {
            case GANTRY_EV_START: send(step)
            case GANTRY_EV_DATA: step.result(step.event.data)
            case GANTRY_EV_FAILED:
                step.emit(GANTRY_CMD_ERROR, code: GANTRY_ERR_UPSTREAM_UNAVAILABLE, data: step.event.text)
            default: break
            }
            return 0
        }
    }

    @Test
    func secretsAreSplicedIntoHeadersAndForms() async throws {
        try await withServer(Self.echo) { port in
            let plugin = try sender { step in
                step.http(
                    "http://127.0.0.1:\(port)/x?y=1",
                    headers: [("Authorization", "Bearer ", "d1/api_key"), ("X-Manifest", "", "shared")],
                    body: [
                        .bytes("a="), .secret("d1/api_key", form: true), .bytes("&b="), .secret("shared", form: false),
                    ]
                )
            }
            let parameters: [String: ConfigurationValue] = ["api_key": .string("s3cr&t /ü")]
            try await withBench(plugin, parameters: parameters, secrets: ["shared": "m+n"]) { bench in
                let answer = String(buffer: try await bench.run().get().data)

                #expect(answer.hasPrefix("POST /x?y=1 HTTP/1.1"))
                #expect(answer.contains("Authorization: Bearer s3cr&t /ü\r\n"))
                #expect(answer.contains("X-Manifest: m+n"))
                #expect(answer.hasSuffix("\n\na=s3cr%26t%20%2F%C3%BC&b=m+n"))
            }
            #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
        }
    }

    @Test(arguments: ["d2/api_key", "d1/api_keys", "nothing", "d1/../d2/api_key", "/api_key"])
    func anotherDeploymentsSecretIsRefused(name: String) async throws {
        let reached = EventLog()
        let script: AnswerServer.Script = { _, _, _ in reached.add("reached") }
        try await withServer(script) { port in
            let plugin = try sender { $0.http("http://127.0.0.1:\(port)/", headers: [("Authorization", "", name)]) }
            try await withBench(plugin, parameters: ["api_key": .string("secret-1")]) { bench in
                _ = bench.target.instance.secrets.add("secret-2", parameter: "api_key", scope: .deployment("d2"))
                let outcome = try await bench.run()

                #expect(throws: OperationFailure.self) { try outcome.get() }
                #expect(bench.log.all == ["failure pluginFailed"])
                #expect(reached.all == [])
            }
        }
    }

    /// Equal when their texts are joined, and more of them than a deployment keeps heads.
    private static let alikeHeaders: [[(String, String, String)]] = [
        [("X-A", "bc", "")], [("X-Ab", "c", "")], [("X-A", "b", "shared")], [("X-A", "", "shared")],
        [("X-Abc", "", "")],
        [("X-A", "bc", ""), ("X-A", "bc", "")], [],
    ]

    @Test
    func aHeadIsUsedAgainForTheSameBytesAlone() async throws {
        try await withServer(Self.echo) { port in
            let turn = Turn()
            let plugin = try sender { step in
                step.http(
                    "http://127.0.0.1:\(port)/x",
                    headers: Self.alikeHeaders[turn.next() % Self.alikeHeaders.count]
                )
            }
            try await withBench(plugin, secrets: ["shared": "hush"]) { bench in
                for round in 0..<3 * Self.alikeHeaders.count {
                    let answer = String(buffer: try await bench.run().get().data)
                    let sent = answer.split(separator: "\r\n").filter { $0.hasPrefix("X-") }
                    let headers = Self.alikeHeaders[round % Self.alikeHeaders.count]
                    let expected = headers.map { name, value, secret in
                        "\(name): \(value)\(secret.isEmpty ? "" : "hush")"
                    }
                    #expect(sent.map(String.init) == expected)
                }
            }
        }
    }

    /// Counts the operations.
    private final class Turn: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                defer { count += 1 }
                return count
            }
        }
    }

    @Test
    func hostsOutsideOfTheReachAreDenied() async throws {
        let urls = ["http://10.0.0.1/", "https://127.0.0.1.example.com/", "http://localhost/", "http://[::1]/"]
        for url in urls {
            let log = EventLog()
            let plugin = try sender(log) { $0.http(url) }
            try await withBench(plugin) { bench in
                _ = try await bench.run()

                #expect(log.all == ["start", "failed \(GANTRY_NET_DENIED)"])
                #expect(bench.log.all == ["failure upstreamUnavailable"])
            }
        }
    }

    @Test
    func theOperatorsOwnEndpointIsAllowedForItsDeploymentAlone() async throws {
        try await withServer(Self.echo) { port in
            let log = EventLog()
            let plugin = try sender(log) { $0.http("http://127.0.0.1:\(port)/") }
            let group = MultiLoop()
            let refusing: @Sendable (String, String, Int) -> Bool = { _, _, _ in false }
            let parameters: [String: ConfigurationValue] = ["api_base": .string("http://127.0.0.1:\(port)/v1")]
            let bench = try PluginBench(
                plugin,
                loop: group.loop,
                pool: group.pool,
                parameters: parameters,
                allowsHost: refusing
            )
            let other = try PluginBench.makeTarget("d2", bench.target.instance, [:], .seconds(5))

            #expect(try await bench.run().get().data.readableBytes > 0)
            #expect(!other.reach.allows(try #require(bench.target.reach.endpoints.first)))
            await bench.environment.upstream.shutdown()
            try await group.shutDown()
        }
    }

    @Test(arguments: ["", "ftp://127.0.0.1/", "/v1", "http://", "http://user@127.0.0.1/", "http://127.0.0.1/\r\nX: y"])
    func whatIsNoURLFailsTheOperation(url: String) async throws {
        let plugin = try sender { $0.http(url) }
        try await withBench(plugin) { bench in
            _ = try await bench.run()

            #expect(bench.log.all == ["failure pluginFailed"])
        }
    }

    @Test
    func malformedRequestsFailTheOperation() async throws {
        let url = "http://127.0.0.1:1/"
        let requests: [@Sendable (ScriptedStep) -> Void] = [
            { $0.http(url, method: "GET /x HTTP/1.1\r\n") },
            { $0.http(url, headers: [("X-A", "b\r\nX-C: d", "")]) },
            { $0.http(url, headers: [("Content-Length", "5", "")]) },
            { $0.http(url, headers: [("X A", "b", "")]) },
            { $0.http(url, body: [.source(0, 0)]) },
            { $0.http(url, body: [.input(3, 0)]) },
            { $0.http(url, body: [.input(0, 3)]) },
            { $0.http(url, body: [.input(1, .max)]) },
            { $0.http(url, body: [.input(.max, 1)]) },
        ]
        for request in requests {
            let plugin = try sender(EventLog(), request)
            try await withBench(plugin) { bench in
                _ = try await bench.run()

                #expect(bench.log.all == ["failure pluginFailed"])
            }
            #expect(plugin.counts.freed == 1)
        }
    }

    @Test
    func rangesOfTheInputAndTheSourceAreSpliced() async throws {
        try await withServer(Self.echo) { port in
            let plugin = try sender { step in
                step.http(
                    "http://127.0.0.1:\(port)/",
                    body: [
                        .input(0, 2), .bytes("|"), .input(2, 0), .bytes("|"), .source(1, 3), .source(5, 0),
                        .input(6, 0),
                    ]
                )
            }
            try await withBench(plugin) { bench in
                let answer = try await bench.run(input: "abcdef", source: TextFile("0123456")).get()

                #expect(String(buffer: answer.data).hasSuffix("\n\nab|cdef|12356"))
            }
        }
    }

    @Test
    func rangesPastTheSourceAreRefused() async throws {
        for segment in [ScriptedStep.Segment.source(8, 0), .source(0, 8), .source(7, 1), .source(.max, .max)] {
            let plugin = try sender { $0.http("http://127.0.0.1:1/", body: [segment]) }
            try await withBench(plugin) { bench in
                _ = try await bench.run(source: TextFile("0123456"))

                #expect(bench.log.all == ["failure pluginFailed"])
            }
        }
    }

    @Test
    func secretsThatAProviderRepeatsAreMasked() async throws {
        let plugin = try sender { step in
            step.emit(GANTRY_CMD_ERROR, code: GANTRY_ERR_INVALID, data: "bad key sk-abcdef-longer!", text: "sk-abcdef")
        }
        let parameters: [String: ConfigurationValue] = ["api_key": .string("sk-abcdef")]
        try await withBench(plugin, parameters: parameters, secrets: ["k": "sk-abcdef-longer"]) { bench in
            guard case .failure(let failure) = try await bench.run() else {
                Issue.record("the operation did not fail")
                return
            }

            #expect(failure.message == "bad key [secret]!")
            #expect(failure.parameter == "[secret]")
        }
    }

    @Test
    func anErrorDocumentIsDeliveredRawWhateverFramingWasAskedFor() async throws {
        try await withServer(AnswerServer.answering("{\"error\":1}", status: "429 Too Many Requests")) { port in
            for framing in [GANTRY_FRAME_SSE, GANTRY_FRAME_LINES, GANTRY_FRAME_RAW, GANTRY_FRAME_WHOLE] {
                let log = EventLog()
                let plugin = try sender(log) { $0.http("http://127.0.0.1:\(port)/", framing: framing) }
                try await withBench(plugin) { bench in
                    _ = try await bench.run()

                    #expect(log.all == ["start", "head 429", "data {\"error\":1}"])
                }
            }
        }
    }

    @Test
    func aPipedAnswerGoesToTheClientUnseen() async throws {
        try await withServer(AnswerServer.answering("abc")) { port in
            let log = EventLog()
            let plugin = try ScriptedPlugin { step in
                log.add(step.event.line)
                switch step.event.kind {
                case GANTRY_EV_START: step.http("http://127.0.0.1:\(port)/", framing: GANTRY_FRAME_RAW)
                case GANTRY_EV_HEAD: step.emit(GANTRY_CMD_PIPE, request: 1, headers: [("x-extra", "1", "")])
                case GANTRY_EV_END: step.result()
                default: break
                }
                return 0
            }
            try await withBench(plugin) { bench in
                _ = try await bench.run()

                #expect(bench.log.all == ["pipe 200 1", "bytes abc", "result {}"])
                #expect(log.all == ["start", "head 200", "end"])
            }
        }
    }

    @Test(arguments: [
        (GANTRY_FRAME_WHOLE, "x-extra", "1"), (GANTRY_FRAME_SSE, "x-extra", "1"),
        (GANTRY_FRAME_RAW, "x-extra", "1\r\nset-cookie: a"), (GANTRY_FRAME_RAW, "x extra", "1"),
    ])
    func pipesThatWouldHarmTheClientFailTheOperation(framing: Int, name: String, value: String) async throws {
        try await withServer(AnswerServer.answering("abc")) { port in
            let plugin = try ScriptedPlugin { step in
                switch step.event.kind {
                case GANTRY_EV_START: step.http("http://127.0.0.1:\(port)/", framing: framing)
                case GANTRY_EV_HEAD: step.emit(GANTRY_CMD_PIPE, request: 1, headers: [(name, value, "")])
                case GANTRY_EV_END: step.result()
                default: break
                }
                return 0
            }
            try await withBench(plugin) { bench in
                _ = try await bench.run()

                #expect(bench.log.all == ["failure pluginFailed"])
            }
            #expect(plugin.counts.freed == 1)
        }
    }

    @Test
    func aRequestUnderTheSameNumberGetsNoEventOfTheOneBefore() async throws {
        let answers = Mutex(0)
        let script: AnswerServer.Script = { _, _, channel in
            let count = answers.withLock { count in
                count += 1
                return count
            }
            channel.writeAndFlush(AnswerServer.answer("answer \(count)"), promise: nil)
        }
        try await withServer(script) { port in
            let log = EventLog()
            let plugin = try ScriptedPlugin { step in
                log.add(step.event.line)
                switch step.event.kind {
                case GANTRY_EV_START: step.http("http://127.0.0.1:\(port)/")
                case GANTRY_EV_DATA where step.event.data == "answer 1":
                    step.emit(GANTRY_CMD_ABORT, request: 1)
                    step.http("http://127.0.0.1:\(port)/")
                case GANTRY_EV_END: step.result()
                default: break
                }
                return 0
            }
            try await withBench(plugin) { bench in
                _ = try await bench.run()

                #expect(
                    log.all == ["start", "head 200", "data answer 1", "head 200", "data answer 2", "end"]
                )
            }
        }
    }

    @Test
    func aFrameThatIsTooLargeFailsTheRequest() async throws {
        let script: AnswerServer.Script = { _, _, channel in
            let size = ResponseFramer.maximumFrameBytes + 1
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n"
            channel.write(ByteBuffer(string: head), promise: nil)
            channel.writeAndFlush(ByteBuffer(repeating: 0x61, count: size), promise: nil)
        }
        try await withServer(script) { port in
            let log = EventLog()
            let plugin = try sender(log) { $0.http("http://127.0.0.1:\(port)/") }
            try await withBench(plugin) { bench in
                _ = try await bench.run()

                #expect(log.all == ["start", "head 200", "failed \(GANTRY_NET_TOO_LARGE)"])
            }
        }
    }

    @Test
    func anUpstreamThatDiesIsReportedAndTheOperationFreed() async throws {
        let script: AnswerServer.Script = { _, _, channel in
            let part = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            channel.writeAndFlush(part).whenComplete { _ in channel.close(promise: nil) }
        }
        try await withServer(script) { port in
            let log = EventLog()
            let plugin = try sender(log) { $0.http("http://127.0.0.1:\(port)/", flags: GANTRY_HTTP_NO_RETRY) }
            try await withBench(plugin) { bench in
                _ = try await bench.run()

                #expect(log.all == ["start", "head 200", "failed \(GANTRY_NET_RESET)"])
            }
            #expect(plugin.counts.freed == 1)
        }
    }
}
