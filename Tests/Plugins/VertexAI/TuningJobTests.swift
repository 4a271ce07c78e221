import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct TuningJobTests {
    private static let id = "projects/4711/locations/us-central1/tuningJobs/99"
    private static let endpoint = "projects/4711/locations/us-central1/endpoints/8"

    private static func run(
        _ kind: OperationKind,
        _ input: JSON,
        _ google: FakeGoogle,
        parameters: JSON = [:]
    ) throws -> OperationProbe {
        let probe = try Deployment.harness(parameters).start(kind, input: input)
        google.serve(probe)
        return probe
    }

    private static func creation(_ changes: JSON = [:]) -> JSON {
        var input = JSONObject()
        input["training_file"] = "gs://bucket/gantry/t/examples.jsonl"
        input["name"] = "j1"
        for member in changes.object?.members ?? [] { input[member.name] = member.value }
        return .object(input)
    }

    private static func google(_ state: String, _ more: JSON = [:]) -> FakeGoogle {
        let google = FakeGoogle()
        var job = JSONObject()
        job["name"] = .string(id)
        job["state"] = .string(state)
        job["baseModel"] = "gemini-2.0-flash"
        job["createTime"] = "1970-01-01T00:00:01Z"
        job["startTime"] = "1970-01-01T00:00:02Z"
        job["endTime"] = "1970-01-01T00:00:03Z"
        job["supervisedTuningSpec"] = [
            "trainingDatasetUri": "gs://bucket/gantry/t/examples.jsonl",
            "hyperParameters": ["epochCount": "4", "learningRateMultiplier": 0.5],
        ]
        for member in more.object?.members ?? [] { job[member.name] = member.value }
        google.jobs[id] = .object(job)
        return google
    }

    private static let tuned: JSON = [
        "tunedModel": [
            "model": "projects/4711/locations/us-central1/models/9@1", "endpoint": .string(endpoint),
            "checkpoints": [
                ["checkpointId": "1", "epoch": "1", "step": "10", "endpoint": .string(endpoint + "1")],
                ["checkpointId": "2", "epoch": "2", "step": "20", "endpoint": .string(endpoint)],
            ],
        ],
        "tuningDataStats": ["supervisedTuningDataStats": ["totalBillableTokenCount": "123"]],
    ]

    @Test
    func aJobIsMadeAndRemembered() throws {
        let google = FakeGoogle()
        let input = Self.creation([
            "validation_file": "gs://bucket/gantry/v/examples.jsonl", "suffix": "mine", "metadata": ["k": "v"],
            "method": [
                "type": "supervised",
                "supervised": [
                    "hyperparameters": ["n_epochs": 3, "learning_rate_multiplier": 1.5, "batch_size": "auto"]
                ],
            ],
        ])

        let probe = try Self.run(.tuneCreate, input, google)

        let call = try #require(google.requests.first)
        #expect(call.url.hasSuffix("/v1/projects/my-project/locations/us-central1/tuningJobs"))
        #expect(
            try JSON(parsing: call.bodyBytes()) == [
                "baseModel": "gemini-2.0-flash", "description": "j1", "tunedModelDisplayName": "mine",
                "supervisedTuningSpec": [
                    "trainingDatasetUri": "gs://bucket/gantry/t/examples.jsonl",
                    "validationDatasetUri": "gs://bucket/gantry/v/examples.jsonl",
                    "hyperParameters": ["epochCount": "3", "learningRateMultiplier": 1.5],
                ],
            ]
        )
        let remember = try #require(probe.commands.first { $0.kind == .remember })
        #expect(remember.text == "job" && String(decoding: remember.data, as: UTF8.self) == Self.id)
        #expect(probe.result?["status"] == "queued")
        #expect(probe.result?["id"] == .string(Self.id))
    }

    @Test
    func whatIsLeftOutIsVertexAIsToChoose() throws {
        let google = FakeGoogle()
        let input = Self.creation([
            "hyperparameters": ["n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"],
            "integrations": [], "seed": .null,
        ])

        _ = try Self.run(.tuneCreate, input, google)

        let body = try JSON(parsing: try #require(google.requests.first).bodyBytes())
        #expect(body["supervisedTuningSpec"]?.object?.names == ["trainingDatasetUri"])
        #expect(body["tunedModelDisplayName"] == "j1")
    }

    @Test(
        arguments: [
            (["seed": 1], "seed"), (["integrations": [["type": "wandb"]]], "integrations"),
            (["method": ["type": "dpo"]], "method.type"), (["method": [:]], "method.type"),
            (["hyperparameters": ["batch_size": 8]], "hyperparameters.batch_size"),
            (["hyperparameters": ["n_epochs": 0]], "hyperparameters.n_epochs"),
            (["hyperparameters": ["learning_rate_multiplier": -1]], "hyperparameters.learning_rate_multiplier"),
            (["hyperparameters": ["beta": 1]], "hyperparameters.beta"), (["suffix": ""], "suffix"),
            (
                ["method": ["type": "supervised", "supervised": ["hyperparameters": ["batch_size": 2]]]],
                "method.supervised.hyperparameters.batch_size"
            ),
            (["training_file": "gs://other/x"], "training_file"), (["validation_file": 1], "validation_file"),
        ] as [(JSON, String)]
    )
    func whatVertexAIHasNotIsRefusedWithoutARequest(change: JSON, parameter: String) throws {
        let google = FakeGoogle()

        let probe = try Self.run(.tuneCreate, Self.creation(change), google)

        #expect(probe.failure.map { [.invalid, .unsupported].contains($0.reason) } == true)
        #expect(probe.failure?.parameter == parameter)
        #expect(google.requests.isEmpty)
    }

    @Test
    func aTunedModelIsNotTunedAgain() throws {
        let probe = try Self.run(
            .tuneCreate,
            Self.creation(),
            FakeGoogle(),
            parameters: ["model": .string(Self.endpoint)]
        )

        #expect(probe.failure?.reason == .unsupported)
    }

    @Test
    func aJobThatHasSucceededNamesItsModel() throws {
        let google = Self.google("JOB_STATE_SUCCEEDED", Self.tuned)

        let probe = try Self.run(.tuneGet, ["id": .string(Self.id)], google)

        let hyperparameters: JSON = ["n_epochs": 4, "batch_size": "auto", "learning_rate_multiplier": 0.5]
        #expect(
            probe.result == [
                "id": .string(Self.id), "object": "fine_tuning.job", "created_at": 1, "model": "gemini-2.0-flash",
                "status": "succeeded", "finished_at": 3, "fine_tuned_model": .string(Self.endpoint),
                "hyperparameters": hyperparameters,
                "method": ["type": "supervised", "supervised": ["hyperparameters": hyperparameters]],
                "training_file": "gs://bucket/gantry/t/examples.jsonl", "result_files": [], "trained_tokens": 123,
            ]
        )
    }

    @Test(
        arguments: [
            ("JOB_STATE_PENDING", "queued"), ("JOB_STATE_RUNNING", "running"), ("JOB_STATE_CANCELLING", "running"),
            ("JOB_STATE_CANCELLED", "cancelled"), ("JOB_STATE_FAILED", "failed"), ("JOB_STATE_EXPIRED", "failed"),
            ("JOB_STATE_PARTIALLY_SUCCEEDED", "succeeded"), ("JOB_STATE_ODD", "unknown:JOB_STATE_ODD"),
        ]
    )
    func statesHaveOpenAIsWords(state: String, status: String) throws {
        let probe = try Self.run(.tuneGet, ["id": .string(Self.id)], Self.google(state))

        #expect(probe.result?["status"] == .string(status))
        #expect((probe.result?["error"] != nil) == (status == "failed"))
    }

    @Test
    func aCancelledJobIsReadAgain() throws {
        let google = Self.google("JOB_STATE_CANCELLED")

        let probe = try Self.run(.tuneCancel, ["id": .string(Self.id)], google)

        #expect(google.requests.map(\.method) == ["POST", "GET"])
        #expect(probe.result?["status"] == "cancelled")
    }

    @Test
    func eventsAreToldFromTimesNewestFirst() throws {
        let google = Self.google("JOB_STATE_FAILED", ["error": ["code": 3, "message": "Row 2 is bad."]])

        let all = try Self.run(.tuneEvents, ["id": .string(Self.id)], google)
        let page = try Self.run(.tuneEvents, ["id": .string(Self.id), "limit": 1, "after": "ftevent-99-3"], google)
        let unknown = try Self.run(.tuneEvents, ["id": .string(Self.id), "after": "x"], google)

        let events = try #require(all.result?["data"]?.array)
        #expect(events.map { $0["created_at"] } == [3, 2, 1])
        #expect(events.first?["message"] == "The job failed: Row 2 is bad.")
        #expect(events.first?["level"] == "error")
        #expect(all.result?["has_more"] == false)
        #expect(page.result?["data"]?.array?.map { $0["id"] } == ["ftevent-99-2"])
        #expect(page.result?["has_more"] == true)
        #expect(unknown.failure?.parameter == "after")
    }

    @Test
    func checkpointsAreThoseOfTheModel() throws {
        let google = Self.google("JOB_STATE_SUCCEEDED", Self.tuned)

        let probe = try Self.run(.tuneCheckpoints, ["id": .string(Self.id), "limit": 1], google)
        let none = try Self.run(.tuneCheckpoints, ["id": .string(Self.id)], Self.google("JOB_STATE_RUNNING"))

        #expect(
            probe.result == [
                "data": [
                    [
                        "id": "ftckpt-99-2", "object": "fine_tuning.job.checkpoint", "created_at": 3,
                        "fine_tuned_model_checkpoint": .string(Self.endpoint),
                        "fine_tuning_job_id": .string(Self.id), "step_number": 20, "metrics": ["step": 20],
                    ]
                ], "has_more": true,
            ]
        )
        #expect(none.result == ["data": [], "has_more": false])
    }

    @Test
    func lostJobsAreFoundByNameAndByTrainingFile() throws {
        let page = """
            {"tuningJobs":[{"name":"\(Self.id)","description":"j1"},{"name":"\(Self.id)1",
            "supervisedTuningSpec":{"trainingDatasetUri":"gs://bucket/x"}},{"name":"\(Self.id)2"}]}
            """
        let google = FakeGoogle()
        google.fault = { _, _ in .reply(FakeGoogle.Reply(body: page)) }

        let byName = try Self.run(.tuneList, ["name": "j1"], google)
        let byFile = try Self.run(.tuneList, ["training_file": "gs://bucket/x"], google)

        #expect(byName.result == ["data": [["id": .string(Self.id)]]])
        #expect(byFile.result == ["data": [["id": .string(Self.id + "1")]]])
    }

    @Test
    func changedJobsAreJobsOrFailures() throws {
        var mutator = Mutator(seed: 9)
        let google = Self.google("JOB_STATE_SUCCEEDED", Self.tuned)
        let original = try #require(google.jobs[Self.id])
        for round in 0..<600 {
            google.jobs[Self.id] = mutator.mutated(original)
            let kind = [OperationKind.tuneGet, .tuneEvents, .tuneCheckpoints][round % 3]
            let probe = try Self.run(kind, ["id": .string(Self.id)], google)
            #expect(probe.result != nil || probe.failure?.reason == .upstreamProtocol)
        }
    }

    // MARK: - Tuned models

    @Test
    func aTunedModelIsCalledAtItsEndpoint() throws {
        let reference = Reference(kind: .model, range: 0..<1, clientID: "ft", upstreamID: Self.endpoint)
        let question: JSON = ["model": "ft", "messages": [["role": "user", "content": "Hi"]]]
        let byReference = try Deployment.harness().start(.chat, input: question, references: [reference])
        let byDeployment = try Deployment.harness(["model": .string(Self.endpoint)]).start(.chat, input: question)

        for probe in [byReference, byDeployment] {
            let call = try #require(probe.token("t").first)
            #expect(
                call.url == "https://us-central1-aiplatform.googleapis.com/v1/\(Self.endpoint):generateContent"
            )
        }
    }

    @Test
    func aTunedModelElsewhereIsRefused() throws {
        let elsewhere = "projects/1/locations/europe-west4/endpoints/8"
        let reference = Reference(kind: .model, range: 0..<1, clientID: "ft", upstreamID: elsewhere)
        let question: JSON = ["model": "ft", "messages": [["role": "user", "content": "Hi"]]]

        let probe = try Deployment.harness().start(.chat, input: question, references: [reference])

        #expect(probe.failure?.reason == .invalid)
    }

    @Test(arguments: ["projects/../locations/l/endpoints/1", "projects/p/locations/l/endpoints/x", "a/b", "/", "x?y"])
    func otherPathsAreNoModels(model: String) {
        #expect(throws: Failure.self) { try Deployment.settings(["model": .string(model)]) }
    }
}
