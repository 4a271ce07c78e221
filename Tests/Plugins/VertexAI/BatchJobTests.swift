import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct BatchJobTests {
    private static let id = FakeGoogle.jobName
    private static let url =
        "https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/locations/us-central1"

    private static func run(_ kind: OperationKind, _ input: JSON, _ google: FakeGoogle) throws -> OperationProbe {
        let probe = try Deployment.harness().start(kind, input: input)
        google.serve(probe)
        return probe
    }

    private static func job(_ state: String, _ more: JSON = [:]) -> JSON {
        var job: JSONObject = JSONObject()
        job["name"] = .string(id)
        job["state"] = .string(state)
        job["createTime"] = "1970-01-01T00:00:01Z"
        for member in more.object?.members ?? [] { job[member.name] = member.value }
        return .object(job)
    }

    private static let creation: JSON = [
        "input_file_id": "gs://bucket/gantry/n1/input.jsonl", "endpoint": "/v1/chat/completions",
        "completion_window": "24h", "metadata": ["k": "v"], "name": "b1",
    ]

    @Test
    func aBatchIsMadeAndRemembered() throws {
        let google = FakeGoogle()

        let probe = try Self.run(.batchCreate, Self.creation, google)

        let call = try #require(google.requests.first)
        #expect(call.method == "POST" && call.url == "\(Self.url)/batchPredictionJobs")
        #expect(call.header("authorization")?.value == "Bearer t")
        #expect(
            try JSON(parsing: call.bodyBytes()) == [
                "displayName": "b1", "model": "publishers/google/models/gemini-2.0-flash",
                "inputConfig": [
                    "instancesFormat": "jsonl", "gcsSource": ["uris": ["gs://bucket/gantry/n1/input.jsonl"]],
                ],
                "outputConfig": [
                    "predictionsFormat": "jsonl", "gcsDestination": ["outputUriPrefix": "gs://bucket/gantry/b1"],
                ],
            ]
        )
        let remember = try #require(probe.commands.first { $0.kind == .remember })
        #expect(remember.text == "batch" && String(decoding: remember.data, as: UTF8.self) == Self.id)
        #expect(probe.commands.map(\.kind).suffix(2) == [.remember, .result])
        #expect(probe.result == ["id": .string(Self.id), "status": "validating", "created_at": 1_795_403_400])
    }

    @Test(
        arguments: [
            ["endpoint": "/v1/embeddings"], ["input_file_id": "gs://other/gantry/n1/x"], ["input_file_id": .null],
            ["name": "a/b"],
        ] as [JSON]
    )
    func aBadCreationIsRefusedWithoutARequest(change: JSON) throws {
        let google = FakeGoogle()
        var input = try #require(Self.creation.object)
        for member in change.object?.members ?? [] { input[member.name] = member.value }

        let probe = try Self.run(.batchCreate, .object(input), google)

        #expect(probe.failure != nil)
        #expect(google.requests.isEmpty)
    }

    @Test(
        arguments: [
            "", "null", "[]", "{}", #"{"name":1}"#, #"{"name":"projects/1/locations/l/batchPredictionJobs/../x"}"#,
            #"{"name":"projects/1/locations/l/tuningJobs/1"}"#, "\u{0}",
        ]
    )
    func anAnswerWithoutANameIsAFailure(body: String) throws {
        let google = FakeGoogle()
        google.fault = { _, _ in .reply(FakeGoogle.Reply(body: body)) }

        let probe = try Self.run(.batchCreate, Self.creation, google)

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(
        arguments: [
            ("JOB_STATE_QUEUED", "validating"), ("JOB_STATE_PENDING", "validating"),
            ("JOB_STATE_RUNNING", "in_progress"), ("JOB_STATE_PAUSED", "in_progress"),
            ("JOB_STATE_UPDATING", "in_progress"), ("JOB_STATE_CANCELLING", "cancelling"),
            ("JOB_STATE_SUCCEEDED", "completed"), ("JOB_STATE_PARTIALLY_SUCCEEDED", "completed"),
            ("JOB_STATE_FAILED", "failed"), ("JOB_STATE_CANCELLED", "cancelled"), ("JOB_STATE_EXPIRED", "expired"),
            ("JOB_STATE_NEW", "unknown:JOB_STATE_NEW"), ("", "unknown:UNREADABLE"), ("a\"b", "unknown:UNREADABLE"),
        ]
    )
    func statesHaveOpenAIsWords(state: String, status: String) throws {
        let google = FakeGoogle()
        google.jobs[Self.id] = Self.job(state)

        let probe = try Self.run(.batchGet, ["id": .string(Self.id)], google)

        #expect(google.requests.first?.url == "https://us-central1-aiplatform.googleapis.com/v1/\(Self.id)")
        #expect(probe.result?["status"] == .string(status))
    }

    @Test
    func timesCountsAndErrorsAreTold() throws {
        let google = FakeGoogle()
        google.jobs[Self.id] = Self.job(
            "JOB_STATE_EXPIRED",
            [
                "startTime": "1970-01-01T00:00:02Z", "endTime": "1970-01-01T00:00:03Z",
                "completionStats": ["successfulCount": "7", "incompleteCount": "2"],
                "error": ["code": 4, "message": "Too\nlate."],
            ]
        )

        let probe = try Self.run(.batchGet, ["id": .string(Self.id)], google)

        #expect(
            probe.result == [
                "id": .string(Self.id), "status": "expired", "created_at": 1, "in_progress_at": 2, "expired_at": 3,
                "request_counts": ["total": 9, "completed": 7, "failed": 0],
                "errors": [
                    "object": "list",
                    "data": [
                        ["code": "deadline_exceeded", "message": "Too late.", "param": .null, "line": .null]
                    ],
                ],
            ]
        )
    }

    @Test(arguments: ["", "99", "projects/p/locations/europe-west1/batchPredictionJobs/1", "projects/../x", "a?b"])
    func anIDOfAnotherKindIsRefused(id: String) throws {
        let google = FakeGoogle()

        let probe = try Self.run(.batchGet, ["id": .string(id)], google)

        #expect(probe.failure?.reason == .invalid)
        #expect(google.requests.isEmpty)
    }

    @Test
    func aBatchThatIsGoneIsNotFound() throws {
        #expect(try Self.run(.batchGet, ["id": .string(Self.id)], FakeGoogle()).failure?.reason == .notFound)
    }

    @Test(arguments: [
        ("JOB_STATE_RUNNING", "cancelling"), ("JOB_STATE_CANCELLED", "cancelled"), ("JOB_STATE_SUCCEEDED", "completed"),
    ])
    func aCancelledBatchIsReadAgain(state: String, status: String) throws {
        let google = FakeGoogle()
        google.jobs[Self.id] = Self.job(state)

        let probe = try Self.run(.batchCancel, ["id": .string(Self.id)], google)

        #expect(google.requests.map(\.method) == ["POST", "GET"])
        #expect(google.requests.first?.url.hasSuffix("/99:cancel") == true)
        #expect(probe.result?["status"] == .string(status))
    }

    @Test(arguments: [("JOB_STATE_SUCCEEDED", nil), ("JOB_STATE_RUNNING", .invalid)] as [(String, FailureReason?)])
    func aRefusedCancellationOfWhatIsOverIsNone(state: String, reason: FailureReason?) throws {
        let google = FakeGoogle()
        google.jobs[Self.id] = Self.job(state)
        google.fault = { request, _ in
            request.method == "POST" ? .reply(FakeGoogle.Reply(status: 400, body: #"{"error":{"code":400}}"#)) : nil
        }

        let probe = try Self.run(.batchCancel, ["id": .string(Self.id)], google)

        #expect(probe.failure?.reason == reason)
        #expect(probe.result?["status"] == (reason == nil ? "completed" : nil))
    }

    @Test
    func lostBatchesAreFoundByNameAndByInput() throws {
        let other = Self.id + "1"
        let page = """
            {"batchPredictionJobs":[{"name":"\(Self.id)","displayName":"b1"},{"name":"\(other)","displayName":"b2",
            "inputConfig":{"gcsSource":{"uris":["gs://bucket/gantry/n1/x"]}}},{"name":"\(Self.id)2"}],"nextPageToken":"p2"}
            """
        let google = FakeGoogle()
        google.fault = { _, _ in .reply(FakeGoogle.Reply(body: page)) }

        let byName = try Self.run(.batchList, ["name": "b1", "since": 1, "after": "p&1"], google)
        let byInput = try Self.run(.batchList, ["input_file_id": "gs://bucket/gantry/n1/x"], google)

        #expect(byName.result == ["data": [["id": .string(Self.id)]], "next": "p2"])
        #expect(byInput.result?["data"] == [["id": .string(other)]])
        #expect(
            google.requests.map(\.url) == [
                "\(Self.url)/batchPredictionJobs?pageSize=100&filter=display_name%3D%22b1%22&pageToken=p%261",
                "\(Self.url)/batchPredictionJobs?pageSize=100",
            ]
        )
    }

    @Test(arguments: ["", "[]", #"{"batchPredictionJobs":[{"displayName":"b1"}]}"#, #"{"nextPageToken":"again"}"#])
    func anUnreadablePageIsAFailure(body: String) throws {
        let google = FakeGoogle()
        google.fault = { _, _ in .reply(FakeGoogle.Reply(body: body)) }

        let probe = try Self.run(.batchList, ["name": "b1", "after": "again"], google)

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test
    func changedJobsAreBatchesOrFailures() throws {
        var mutator = Mutator(seed: 7)
        let original = Self.job(
            "JOB_STATE_FAILED",
            [
                "endTime": "1970-01-01T00:00:03Z", "completionStats": ["successfulCount": "7"],
                "error": ["code": 4, "message": "m"],
            ]
        )
        let google = FakeGoogle()
        for _ in 0..<500 {
            google.jobs[Self.id] = mutator.mutated(original)
            let probe = try Self.run(.batchGet, ["id": .string(Self.id)], google)
            #expect(probe.result?["status"]?.string != nil || probe.failure?.reason == .upstreamProtocol)
        }
    }
}
