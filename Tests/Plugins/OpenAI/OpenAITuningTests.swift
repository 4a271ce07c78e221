import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

struct OpenAITuningTests {
    private static let input: JSON = [
        "training_file": "file-1", "validation_file": nil, "method": ["type": "supervised"], "seed": 7,
        "suffix": "mine", "metadata": ["a": "b"], "name": "job-7",
    ]
    private static let job = """
        {"id":"ftjob-1","object":"fine_tuning.job","status":"running","error":null,"model":"gpt-4o-mini",
         "training_file":"file-1","result_files":[],"created_at":150,"metadata":{"a":"b","gantry_name":"job-7"}}
        """
    private static let described: JSON = [
        "id": "ftjob-1", "object": "fine_tuning.job", "status": "running", "model": "gpt-4o-mini",
        "training_file": "file-1", "result_files": [], "created_at": 150, "metadata": ["a": "b"],
    ]
    private static let byID: [(OperationKind, String, String)] = [
        (.tuneGet, "GET", ""), (.tuneCancel, "POST", "/cancel"), (.tunePause, "POST", "/pause"),
        (.tuneResume, "POST", "/resume"),
    ]

    private let harness: PluginHarness<OpenAIAdapter>

    init() throws { harness = try .standard() }

    private func body(_ probe: OperationProbe) throws -> JSON {
        try JSON(parsing: Array(try #require(probe.last).bodyText().utf8))
    }

    private static func pairs(_ count: Int) -> JSON {
        var object = JSONObject()
        for number in 0..<count { object["k\(number)"] = "v" }
        return .object(object)
    }

    @Test
    func aJobIsCreatedOnceUnderItsName() throws {
        let probe = try harness.start(.tuneCreate, input: Self.input)
        let request = try #require(probe.last)
        let sent = try body(probe)
        probe.respond(200, Self.job)

        #expect(request.method == "POST")
        #expect(request.url == "https://api.openai.com/v1/fine_tuning/jobs")
        #expect(request.flags == 4)
        #expect(
            sent == [
                "model": "gpt-4o-mini", "training_file": "file-1", "method": ["type": "supervised"], "seed": 7,
                "suffix": "mine", "metadata": ["a": "b", "gantry_name": "job-7"],
            ]
        )
        #expect(probe.commands.map { $0.kind } == [.http, .remember, .result])
        #expect(probe.commands[1].text == "job")
        #expect(probe.commands[1].data == Array("ftjob-1".utf8))
        #expect(probe.result == Self.described)
    }

    @Test(arguments: [(15, 16), (16, 16)])
    func theNameIsWrittenWhereThereIsRoom(given: Int, sent: Int) throws {
        let input: JSON = ["training_file": "file-1", "metadata": Self.pairs(given), "name": "job-7"]

        let metadata = try body(try harness.start(.tuneCreate, input: input))["metadata"]

        #expect(metadata?.object?.count == sent)
        #expect((metadata?["gantry_name"] == "job-7") == (given < 16))
    }

    @Test
    func aClientCannotTakeTheNamesPlace() throws {
        let input: JSON = ["training_file": "file-1", "metadata": ["gantry_name": "x"], "name": "job-7"]

        let probe = try harness.start(.tuneCreate, input: input)

        #expect(probe.failure?.reason == .invalid)
        #expect(probe.failure?.parameter == "metadata")
        #expect(probe.commands.count == 1)
    }

    @Test
    func metadataOfNothingButTheNameIsNoMetadata() throws {
        let probe = try harness.start(.tuneGet, input: ["id": "ftjob-1"])

        probe.respond(200, #"{"id":"ftjob-1","status":"queued","metadata":{"gantry_name":"job-7"}}"#)

        #expect(probe.result == ["id": "ftjob-1", "status": "queued"])
    }

    @Test(arguments: byID)
    func aJobIsAskedForByItsID(kind: OperationKind, method: String, suffix: String) throws {
        let probe = try harness.start(kind, input: ["id": "ftjob-1"])
        let request = try #require(probe.last)
        probe.respond(200, Self.job)

        #expect(request.method == method)
        #expect(request.url == "https://api.openai.com/v1/fine_tuning/jobs/ftjob-1" + suffix)
        #expect(probe.result == Self.described)
    }

    @Test(arguments: byID)
    func wrongIDsAndGarbageAreRefused(kind: OperationKind, method: String, suffix: String) throws {
        for id in ["", ".", ".."] {
            #expect(try harness.start(kind, input: ["id": .string(id)]).failure?.reason == .notFound)
        }
        for body in [
            "[]", "{}", "", #"{"id":"ftjob-2","status":"running"}"#, #"{"id":"ftjob-1"}"#,
            #"{"id":"ftjob-1","status":7}"#,
        ] {
            let probe = try harness.start(kind, input: ["id": "ftjob-1"])

            probe.respond(200, body)

            #expect(probe.failure?.reason == .upstreamProtocol)
        }
    }

    @Test(
        arguments: [
            (400, .invalid), (401, .upstreamAuthentication), (404, .notFound), (429, .rateLimit),
            (500, .upstreamUnavailable),
        ] as [(Int32, FailureReason)]
    )
    func aRefusalHasItsClass(status: Int32, reason: FailureReason) throws {
        let kinds = Self.byID.map { $0.0 } + [.tuneCreate, .tuneList, .tuneEvents, .tuneCheckpoints]
        for kind in kinds {
            let probe = try harness.start(kind, input: Self.search())

            probe.respond(status, Fixtures.error("Refused"))

            #expect(probe.failure?.reason == reason)
        }
    }

    @Test
    func aCancelledOperationSaysNothingMore() throws {
        let kinds = Self.byID.map { $0.0 } + [.tuneCreate, .tuneList, .tuneEvents, .tuneCheckpoints]
        for kind in kinds {
            for events in 0...2 {
                let probe = try harness.start(kind, input: Self.search())
                if events > 0 { probe.head(status: 200) }
                if events > 1 { probe.data(#"{"id":"#) }
                probe.cancel()

                #expect(probe.failure?.reason == .cancelled)
                #expect(probe.commands.map { $0.kind } == [.http, .error])
            }
        }
    }

    // MARK: Lists

    private static func search(after: String? = nil) -> JSON {
        var input = JSONObject()
        input["id"] = "ftjob-1"
        input["name"] = "job-7"
        input["training_file"] = "file-1"
        input["since"] = 100
        if let after { input["after"] = .string(after) }
        return .object(input)
    }

    private static func entry(_ id: String, _ file: String, _ created: JSON, _ metadata: JSON) -> JSON {
        ["id": .string(id), "training_file": .string(file), "created_at": created, "metadata": metadata]
    }

    @Test(
        arguments: [
            (Self.entry("j", "file-2", 150, ["gantry_name": "job-7"]), true),
            (Self.entry("j", "file-1", 150, ["gantry_name": "job-8"]), false),
            (Self.entry("j", "file-1", 150, Self.pairs(16)), true),
            (Self.entry("j", "file-2", 150, Self.pairs(16)), false),
            (Self.entry("j", "file-1", 99, Self.pairs(16)), false),
            (Self.entry("j", "file-1", nil, Self.pairs(16)), false),
            // There was room: it is somebody else's.
            (Self.entry("j", "file-1", 150, Self.pairs(15)), false), (Self.entry("j", "file-1", 150, nil), false),
        ] as [(JSON, Bool)]
    )
    func aJobIsFoundByItsNameOrElseByItsFile(job: JSON, isFound: Bool) throws {
        let probe = try harness.start(.tuneList, input: Self.search(after: "ftjob-9"))
        #expect(probe.last?.url == "https://api.openai.com/v1/fine_tuning/jobs?limit=100&after=ftjob-9")

        probe.respond(200, String(decoding: (["data": [job]] as JSON).serialized(), as: UTF8.self))

        #expect(probe.result == ["data": isFound ? [["id": "j"]] : []])
    }

    @Test(arguments: [(OperationKind.tuneEvents, "events"), (.tuneCheckpoints, "checkpoints")])
    func aListOfAJobIsHandedOn(kind: OperationKind, path: String) throws {
        let probe = try harness.start(kind, input: ["id": "ftjob-1", "limit": 5, "after": "e/1"])
        let request = try #require(probe.last)
        probe.respond(200, #"{"object":"list","data":[{"id":"e","x":1.50}],"has_more":true,"first_id":null}"#)

        #expect(
            request.url == "https://api.openai.com/v1/fine_tuning/jobs/ftjob-1/\(path)?limit=5&after=e%2F1"
        )
        #expect(probe.last?.data == Array(#"{"data":[{"id":"e","x":1.50}],"has_more":true}"#.utf8))

        let empty = try harness.start(kind, input: ["id": "ftjob-1"])
        #expect(empty.last?.url == "https://api.openai.com/v1/fine_tuning/jobs/ftjob-1/\(path)")
        empty.respond(200, #"{"data":[]}"#)
        #expect(empty.result == ["data": [], "has_more": false])

        let broken = try harness.start(kind, input: ["id": "ftjob-1"])
        broken.respond(200, #"{"data":{}}"#)
        #expect(broken.failure?.reason == .upstreamProtocol)
    }
}
