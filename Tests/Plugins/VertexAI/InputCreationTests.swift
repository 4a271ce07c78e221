import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct InputCreationTests {
    private static let name = "gantry/n1/input.jsonl"

    private static func input(_ purpose: String = "batch", endpoint: String = "/v1/chat/completions") -> JSON {
        ["purpose": .string(purpose), "name": "n1", "bytes": 1000, "endpoint": .string(endpoint)]
    }

    private static func line(_ id: String, _ text: String = "Hello", more: String = "") -> String {
        #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":"#
            + #"[{"role":"user","content":"\#(text)"}]\#(more)}}"#
    }

    private static func source(_ lines: [String]) -> [SourceLine] {
        lines.map { SourceLine(bytes: Array($0.utf8)) }
    }

    /// Runs an operation over lines to its end.
    private static func run(
        _ lines: [SourceLine],
        input: JSON = input(),
        google: FakeGoogle = FakeGoogle(),
        parameters: JSON = [:]
    ) throws -> OperationProbe {
        let probe = try Deployment.harness(parameters).start(.inputCreate, input: input)
        google.serve(probe, lines: lines)
        return probe
    }

    @Test
    func linesBecomeRequestsOfVertexAI() throws {
        let google = FakeGoogle()
        let lines = [Self.line("a"), Self.line("b", "Bye", more: #","temperature":0.5,"metadata":{"k":"v"}"#)]

        let probe = try Self.run(Self.source(lines), google: google)

        let made = try google.lines(Self.name)
        #expect(made.count == 2)
        #expect(made.map { CustomIDLabels.customID(in: $0["request"]?["labels"]) } == ["a", "b"])
        #expect(made[1]["request"]?["labels"]?.object?.count == 1)
        #expect(made[0]["request"]?["contents"] == [["role": "user", "parts": [["text": "Hello"]]]])
        #expect(made[1]["request"]?["generationConfig"] == ["temperature": 0.5])
        let size = try #require(google.objects[Self.name]?.count)
        #expect(probe.result == ["id": .string("gs://bucket/\(Self.name)"), "bytes": .integer(Int64(size))])
    }

    @Test
    func theObjectIsRememberedBeforeItsSessionIsOpened() throws {
        let probe = try Self.run(Self.source([Self.line("a")]))

        let kinds = probe.commands.map(\.kind)
        let remember = try #require(kinds.firstIndex(of: .remember))
        let session = try #require(kinds.firstIndex(of: .http))
        #expect(remember < session)
        #expect(String(decoding: probe.commands[remember].data, as: UTF8.self) == "gs://bucket/\(Self.name)")
        #expect(probe.commands[session].header("x-upload-content-length") == nil)
        #expect(probe.commands[session].url.hasSuffix("&ifGenerationMatch=0"))
        #expect(!kinds.contains(.forget))
    }

    @Test
    func filesInALineAreThoseThatTheHostHasFound() throws {
        let google = FakeGoogle()
        let text = Self.line("a").replacing(
            #""content":"Hello""#,
            with: #""content":[{"type":"file","file":{"file_id":"file-1"}},{"type":"text","text":"?"}]"#
        )
        let start = try #require(text.utf8.firstRange(of: "\"file-1\"".utf8)).lowerBound.utf16Offset(in: text)
        let reference = Reference(
            kind: .file,
            range: start..<start + 8,
            clientID: "file-1",
            upstreamID: "gs://bucket/gantry/x/paper.pdf",
            mimeType: "application/pdf"
        )

        let found = SourceLine(bytes: Array(text.utf8), references: [reference])
        let probe = try Self.run([found], google: google)
        let unknown = try Self.run(Self.source([text]))

        #expect(probe.result != nil)
        let part = try google.lines(Self.name)[0]["request"]?["contents"]?.array?.first?["parts"]?.array?.first
        #expect(
            part == ["fileData": ["mimeType": "application/pdf", "fileUri": "gs://bucket/gantry/x/paper.pdf"]]
        )
        #expect(unknown.failure?.reason == .invalid)
        #expect(unknown.failure?.parameter == "body.messages.[0].content.[0].file.file_id")
    }

    @Test(
        arguments: [
            ("", "not valid JSON"), ("[]", "must be an object"), (#"{"custom_id":"b"}"#, "body"),
            (#"{"custom_id":"b","body":{"model":"m"}}"#, "messages"), (#"{"body":{}}"#, "custom_id"),
            (Self.line("b", more: #","logit_bias":{"1":1}"#), "logit_bias"),
            (Self.line("b", more: #","stream":true"#), "stream"),
            (Self.line(String(repeating: "x", count: 3000)), "too long"),
            (Self.line("b", more: #","n":0"#), "'n' must"),
            ("\u{1}\u{2}", "not valid JSON"),
        ]
    )
    func aBadLineRefusesAllAndLeavesNothing(line: String, word: String) throws {
        let google = FakeGoogle()
        // The first lines are more than a piece, so that a session is open.
        let long = Self.line("a", String(repeating: "y", count: ObjectWriter.pieceSize))

        let probe = try Self.run(Self.source([long, Self.line("a2"), line, Self.line("c")]), google: google)

        let failure = try #require(probe.failure)
        #expect([.invalid, .unsupported].contains(failure.reason))
        #expect(failure.message.contains("Line 3 ") && failure.message.contains(word), "\(failure.message)")
        #expect(google.objects.isEmpty && google.openSessions == 0)
        #expect(probe.commands.filter { $0.kind == .remember }.count == 1)
        #expect(probe.commands.filter { $0.kind == .forget }.count == 1)
    }

    @Test
    func aBadFirstLineCostsNoRequest() throws {
        let google = FakeGoogle()

        let probe = try Self.run(Self.source(["{"]), google: google)

        #expect(probe.failure?.reason == .invalid)
        #expect(google.requests.isEmpty)
        #expect(!probe.commands.contains { $0.kind == .remember })
    }

    @Test
    func aLongFileGoesInPiecesOfUnknownTotal() throws {
        let google = FakeGoogle()
        let text = String(repeating: "z", count: 3 << 20)

        let probe = try Self.run(Self.source((0..<7).map { Self.line("c\($0)", text) }), google: google)

        let size = try #require(google.objects[Self.name]?.count)
        #expect(probe.result?["bytes"] == .integer(Int64(size)))
        #expect(
            try google.lines(Self.name).map { CustomIDLabels.customID(in: $0["request"]?["labels"]) }
                == (0..<7).map { "c\($0)" }
        )
        let piece = ObjectWriter.pieceSize
        #expect(
            google.requests.compactMap { $0.header("content-range")?.value } == [
                "bytes 0-\(piece - 1)/*", "bytes \(piece)-\(2 * piece - 1)/*", "bytes \(2 * piece)-\(size - 1)/\(size)",
            ]
        )
    }

    @Test(arguments: [1, 2, 3])
    func aBrokenPieceIsContinuedWhereTheServerIs(broken: Int) throws {
        let google = FakeGoogle()
        var puts = 0
        google.fault = { request, _ in
            guard request.method == "PUT", !request.body.isEmpty else { return nil }
            puts += 1
            return puts == broken ? .breaksAfter(512 << 10) : nil
        }
        let text = String(repeating: "z", count: 3 << 20)

        let probe = try Self.run(Self.source((0..<7).map { Self.line("c\($0)", text) }), google: google)

        #expect(probe.result != nil)
        #expect(try google.lines(Self.name).count == 7)
        #expect(google.waits == [1000])
    }

    @Test
    func anAnswerThatIsLostAtTheEndIsAskedFor() throws {
        let google = FakeGoogle()
        google.fault = { request, _ in
            request.method == "PUT" && !request.body.isEmpty ? .breaksAfter(.max) : nil
        }

        let probe = try Self.run(Self.source([Self.line("a")]), google: google)

        #expect(probe.result != nil)
        #expect(try google.lines(Self.name).count == 1)
    }

    @Test(arguments: [400, 404, 410, 500] as [Int32])
    func anUploadThatFailsIsUndone(status: Int32) throws {
        let google = FakeGoogle()
        google.fault = { request, _ in
            request.method == "PUT" ? .reply(FakeGoogle.Reply(status: status, body: "x")) : nil
        }

        let probe = try Self.run(Self.source([Self.line("a")]), google: google)

        #expect(probe.failure != nil)
        #expect(google.objects.isEmpty && google.openSessions == 0)
        #expect(probe.commands.contains { $0.kind == .forget })
    }

    @Test
    func anObjectInTheWayIsSomebodyElsesAndStays() throws {
        let google = FakeGoogle()
        google.put(Self.name, "theirs")

        let probe = try Self.run(Self.source([Self.line("a")]), google: google)

        #expect(probe.failure?.reason == .conflict)
        #expect(google.text(Self.name) == "theirs")
    }

    @Test(arguments: ["/v1/responses", "/v1/embeddings", "/v1/completions", ""])
    func otherEndpointsAreRefused(endpoint: String) throws {
        let google = FakeGoogle()

        let probe = try Self.run(Self.source([Self.line("a")]), input: Self.input(endpoint: endpoint), google: google)

        #expect(probe.failure?.reason == .unsupported)
        #expect(probe.failure?.parameter == "endpoint")
        #expect(google.requests.isEmpty)
    }

    @Test(arguments: ["", "..", "a/b"])
    func anUnusableNameIsRefused(name: String) throws {
        var input = try #require(Self.input().object)
        input["name"] = .string(name)

        let probe = try Self.run(Self.source([Self.line("a")]), input: .object(input))

        #expect(probe.failure?.reason == .internalError)
    }

    @Test
    func aFileWithoutLinesIsRefused() throws {
        #expect(try Self.run([]).failure?.reason == .invalid)
    }

    @Test
    func aTunedModelHasNoBatches() throws {
        let reference = Reference(
            kind: .model,
            range: 0..<1,
            clientID: "ft",
            upstreamID: "projects/1/locations/us-central1/endpoints/5"
        )

        let probe = try Self.run([SourceLine(bytes: Array(Self.line("a").utf8), references: [reference])])

        #expect(probe.failure?.reason == .unsupported)
    }

    @Test
    func withoutABucketThereAreNoInputs() throws {
        let probe = try Self.run(Self.source([Self.line("a")]), parameters: ["gcs_bucket_name": .null])

        #expect(probe.failure?.parameter == "gcs_bucket_name")
    }

    @Test
    func aCancelledOperationSaysNothingMore() throws {
        let probe = try Deployment.harness().start(.inputCreate, input: Self.input())
        probe.line(Self.line("a", String(repeating: "y", count: ObjectWriter.pieceSize)))
        probe.token("t")

        let ends = probe.cancel()

        #expect(ends.map(\.kind) == [.error])
        #expect(probe.failure?.reason == .cancelled)
    }

    // MARK: - Examples

    private static func example(_ messages: String, more: String = "") -> String {
        #"{"messages":[\#(messages)]\#(more)}"#
    }

    private static let question = #"{"role":"user","content":"2+2?"}"#
    private static let answer = #"{"role":"assistant","content":"4"}"#

    @Test
    func examplesBecomeContents() throws {
        let google = FakeGoogle()
        let call =
            #"{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}"#
        let tool = #"{"role":"tool","tool_call_id":"c1","content":"4"}"#
        let tools =
            #","tools":[{"type":"function","function":{"name":"add","parameters":{"type":"object","properties":{}}}}]"#
        let lines = [
            Self.example(#"{"role":"system","content":"Be short."},\#(Self.question),\#(Self.answer)"#),
            Self.example("\(Self.question),\(call),\(tool),\(Self.answer)", more: tools),
        ]

        let probe = try Self.run(Self.source(lines), input: Self.input("fine-tune"), google: google)

        #expect(probe.result?["id"] == "gs://bucket/gantry/n1/examples.jsonl")
        let made = try google.lines("gantry/n1/examples.jsonl")
        #expect(
            made[0] == [
                "systemInstruction": ["role": "system", "parts": [["text": "Be short."]]],
                "contents": [
                    ["role": "user", "parts": [["text": "2+2?"]]], ["role": "model", "parts": [["text": "4"]]],
                ],
            ]
        )
        #expect(made[1]["contents"]?.array?.map { $0["role"]?.string } == ["user", "model", "user", "model"])
        let declaration = made[1]["tools"]?.array?.first?["functionDeclarations"]?.array?.first
        #expect(declaration == ["name": "add", "parameters": ["type": "object", "properties": [:]]])
    }

    @Test(
        arguments: [
            (Self.example(Self.question), "assistant"), (Self.example(""), "messages"),
            (Self.example(Self.answer), "user"), (#"{"prompt":"x","completion":"y"}"#, "prompt"),
            (
                Self.example(Self.question + #",{"role":"assistant","content":"4","weight":0}"#),
                "messages.[1].weight"
            ),
            (Self.example("\(Self.question),\(Self.answer)", more: #","functions":[]"#), "functions"),
            (#"{"input":{"messages":[]},"preferred_output":[]}"#, "input"),
        ]
    )
    func badExamplesAreRefused(line: String, word: String) throws {
        let probe = try Self.run(Self.source([line]), input: Self.input("fine-tune"))

        let failure = try #require(probe.failure)
        #expect([.invalid, .unsupported].contains(failure.reason))
        #expect(failure.message.contains("Line 1 ") && failure.message.contains(word), "\(failure.message)")
    }

    @Test
    func changedLinesAreTranslatedOrRefused() throws {
        var mutator = Mutator(seed: 6)
        let request = try JSON(text: Self.line("a", more: #","n":2"#))
        let example = try JSON(text: Self.example("\(Self.question),\(Self.answer)"))
        for round in 0..<1000 {
            let line = mutator.mutated(round.isMultiple(of: 2) ? request : example).serialized()
            do throws(Failure) {
                let settings = try Settings(parameters: Deployment.parameters())
                let made =
                    round.isMultiple(of: 2)
                    ? try BatchRequestLine(line, references: [], settings: settings, buckets: []).bytes
                    : try TuningExample(line, references: [], settings: settings, buckets: []).bytes
                #expect(made.filter { $0 == UInt8(ascii: "\n") }.count == 1 && made.last == UInt8(ascii: "\n"))
            } catch {
                #expect([.invalid, .unsupported].contains(error.reason))
            }
        }
    }
}
