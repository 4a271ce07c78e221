import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

struct OpenAIBatchTests {
    private static let input: JSON = [
        "input_file_id": "file-1", "endpoint": "/v1/embeddings", "completion_window": "24h", "name": "batch-7",
        "metadata": ["a": "b"], "output_expires_after": nil,
    ]
    private static let batch = """
        {"id":"batch_1","object":"batch","endpoint":"/v1/embeddings","errors":null,"input_file_id":"file-1",
         "completion_window":"24h","status":"in_progress","output_file_id":null,"created_at":150,
         "request_counts":{"total":3,"completed":1,"failed":0},"metadata":{"a":"b"}}
        """
    private static let described: JSON = [
        "id": "batch_1", "object": "batch", "endpoint": "/v1/embeddings", "input_file_id": "file-1",
        "completion_window": "24h", "status": "in_progress", "created_at": 150,
        "request_counts": ["total": 3, "completed": 1, "failed": 0], "metadata": ["a": "b"],
    ]

    private let harness: PluginHarness<OpenAIAdapter>

    init() throws { harness = try .standard() }

    @Test
    func aBatchIsCreatedOnceAndRememberedBeforeAnythingElse() throws {
        let probe = try harness.start(.batchCreate, input: Self.input)
        let request = try #require(probe.last)
        probe.respond(200, Self.batch)

        #expect(request.method == "POST")
        #expect(request.url == "https://api.openai.com/v1/batches")
        #expect(request.header("content-type")?.value == "application/json")
        #expect(request.flags == 4)
        #expect(
            try JSON(parsing: Array(request.bodyText().utf8)) == [
                "input_file_id": "file-1", "endpoint": "/v1/embeddings", "completion_window": "24h",
                "metadata": ["a": "b"],
            ]
        )
        #expect(probe.commands.map { $0.kind } == [.http, .remember, .result])
        #expect(probe.commands[1].text == "batch")
        #expect(probe.commands[1].data == Array("batch_1".utf8))
        #expect(probe.result == Self.described)
    }

    @Test
    func whatAStatusMeansIsForTheHostToSay() throws {
        let probe = try harness.start(.batchCreate, input: Self.input)

        probe.respond(200, #"{"id":"batch_1","status":"resting"}"#)

        #expect(probe.result == ["id": "batch_1", "status": "resting"])
    }

    @Test
    func aBatchWithoutAStatusIsRememberedAllTheSame() throws {
        let probe = try harness.start(.batchCreate, input: Self.input)

        probe.respond(200, #"{"id":"batch_1"}"#)

        #expect(probe.commands.map { $0.kind } == [.http, .remember, .error])
        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test
    func aCreationWhoseAnswerIsLostIsNotRepeated() throws {
        let probe = try harness.start(.batchCreate, input: Self.input)

        probe.failed(4, "reset")

        #expect(probe.failure?.reason == .upstreamUnavailable)
        #expect(probe.failure?.isRetryable == false)
        #expect(probe.failure?.mayFallBack == false)
    }

    @Test(arguments: [(OperationKind.batchGet, "GET", ""), (.batchCancel, "POST", "/cancel")])
    func aBatchIsAskedForByItsID(kind: OperationKind, method: String, suffix: String) throws {
        let probe = try harness.start(kind, input: ["id": "batch_1"])
        let request = try #require(probe.last)
        probe.respond(200, Self.batch)

        #expect(request.method == method)
        #expect(request.url == "https://api.openai.com/v1/batches/batch_1" + suffix)
        #expect(request.flags == 1)
        #expect(request.body.isEmpty)
        #expect(probe.result == Self.described)
    }

    @Test(arguments: [OperationKind.batchGet, .batchCancel])
    func idsCannotLeaveTheirPlace(kind: OperationKind) throws {
        #expect(
            try harness.start(kind, input: ["id": "a/../b?c#d"]).last?.url.hasPrefix(
                "https://api.openai.com/v1/batches/a%2F..%2Fb%3Fc%23d"
            ) == true
        )
        for id in ["", ".", ".."] {
            let probe = try harness.start(kind, input: ["id": .string(id)])
            #expect(probe.failure?.reason == .notFound)
            #expect(probe.commands.count == 1)
        }
    }

    @Test(
        arguments: [
            "null", "[]", "{}", "<html>", "", #"{"id":7,"status":"completed"}"#, #"{"id":"","status":"completed"}"#,
            #"{"id":"batch_2","status":"completed"}"#, #"{"id":"batch_1"}"#, #"{"id":"batch_1","status":null}"#,
        ]
    )
    func garbageIsAProtocolFailure(body: String) throws {
        for kind in [OperationKind.batchGet, .batchCancel] {
            let probe = try harness.start(kind, input: ["id": "batch_1"])

            probe.respond(200, body)

            #expect(probe.failure?.reason == .upstreamProtocol)
            #expect(probe.commands.map { $0.kind } == [.http, .error])
        }
    }

    @Test
    func anAnswerThatIsCutOffIsAProtocolFailure() throws {
        let body = Array(Self.batch.utf8)
        for offset in 0..<body.count {
            let probe = try harness.start(.batchCreate, input: Self.input)
            probe.head(status: 200)
            probe.data(Array(body[..<offset]))
            probe.end()

            #expect(probe.failure?.reason == .upstreamProtocol)
            #expect(probe.commands.count == 2)
        }
    }

    @Test(
        arguments: [
            (400, .invalid), (401, .upstreamAuthentication), (404, .notFound), (409, .conflict), (429, .rateLimit),
            (500, .upstreamUnavailable), (503, .upstreamUnavailable), (504, .upstreamTimeout),
        ] as [(Int32, FailureReason)]
    )
    func aRefusalHasItsClass(status: Int32, reason: FailureReason) throws {
        for kind in [OperationKind.batchCreate, .batchGet, .batchCancel, .batchList] {
            let probe = try harness.start(kind, input: kind == .batchCreate ? Self.input : Self.search(id: "batch_1"))

            probe.respond(status, Fixtures.error("Refused", param: "p"), headers: [("retry-after", "3")])

            #expect(probe.failure?.reason == reason)
            #expect(probe.failure?.retryAfterMilliseconds == 3_000)
            #expect(probe.failure?.upstreamStatus == Int(status))
        }
    }

    @Test
    func aCancelledOperationSaysNothingMore() throws {
        for kind in [OperationKind.batchCreate, .batchGet, .batchCancel, .batchList] {
            for events in 0...2 {
                let probe = try harness.start(kind, input: kind == .batchCreate ? Self.input : Self.search(id: "b"))
                if events > 0 { probe.head(status: 200) }
                if events > 1 { probe.data(#"{"id":"#) }
                probe.cancel()

                #expect(probe.failure?.reason == .cancelled)
                #expect(probe.commands.map { $0.kind } == [.http, .error])
            }
        }
    }

    // MARK: The search

    private static func search(id: String = "", after: String? = nil) -> JSON {
        var input = JSONObject()
        input["id"] = .string(id)
        input["name"] = "batch-7"
        input["input_file_id"] = "file-1"
        input["since"] = 100
        if let after { input["after"] = .string(after) }
        return .object(input)
    }

    private static func page(_ batches: [JSON], hasMore: Bool = true) -> String {
        String(decoding: (["data": .array(batches), "has_more": .bool(hasMore)] as JSON).serialized(), as: UTF8.self)
    }

    private static func entry(_ id: String, _ file: String, _ created: JSON) -> JSON {
        ["id": .string(id), "input_file_id": .string(file), "created_at": created]
    }

    @Test
    func batchesAreFoundByTheirInputFile() throws {
        let probe = try harness.start(.batchList, input: Self.search())
        let request = try #require(probe.last)
        probe.respond(
            200,
            Self.page([
                Self.entry("batch_3", "file-1", 200), Self.entry("batch_2", "file-2", 150),
                Self.entry("batch_1", "file-1", 100),
            ])
        )

        #expect(request.url == "https://api.openai.com/v1/batches?limit=100")
        #expect(probe.result == ["data": [["id": "batch_3"], ["id": "batch_1"]], "next": "batch_1"])
    }

    @Test(
        arguments: [
            ([Self.entry("b", "file-2", 99)], true, nil), ([Self.entry("b", "file-2", nil)], true, nil),
            ([], true, nil),
            ([Self.entry("b", "file-2", 100)], false, nil), ([Self.entry("b", "file-2", 100)], true, "b"),
        ] as [([JSON], Bool, String?)]
    )
    func theSearchEndsWhereBatchesAreTooOld(batches: [JSON], hasMore: Bool, next: String?) throws {
        let probe = try harness.start(.batchList, input: Self.search(after: "a&b"))
        #expect(probe.last?.url == "https://api.openai.com/v1/batches?limit=100&after=a%26b")

        probe.respond(200, Self.page(batches, hasMore: hasMore))

        #expect(probe.result?["next"] == next.map { .string($0) })
        #expect(probe.result?["data"] == [])
    }

    @Test(arguments: ["{}", #"{"data":7}"#, #"{"data":[{"input_file_id":"file-1"}]}"#, "x"])
    func aPageThatIsNoneIsAProtocolFailure(body: String) throws {
        let probe = try harness.start(.batchList, input: Self.search())

        probe.respond(200, body)

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(arguments: [["since": 100], ["input_file_id": "file-1"], ["input_file_id": "", "since": 1]] as [JSON])
    func aSearchForNothingIsTheHostsFault(input: JSON) throws {
        #expect(try harness.start(.batchList, input: input).failure?.reason == .internalError)
    }
}
