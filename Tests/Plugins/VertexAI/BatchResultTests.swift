import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct BatchResultTests {
    private static let id = FakeGoogle.jobName
    private static let directory = "gantry/b1/prediction-model-2026-11-23T03:10:00.000Z"
    private static let input: JSON = ["id": .string(id), "name": "b1", "endpoint": "/v1/chat/completions"]
    private static let output = "gantry/b1/output.jsonl"
    private static let errors = "gantry/b1/errors.jsonl"

    private static func labels(_ customID: String) -> String { CustomIDLabels.labels(for: customID)?.text ?? "" }

    private static func prediction(_ customID: String, _ text: String = "Hi") -> String {
        #"{"request":{"contents":[],"labels":\#(labels(customID))},"status":"","processed_time":"1970-01-01T00:00:09Z","#
            + #""response":{"candidates":[{"content":{"role":"model","parts":[{"text":"\#(text)"}]},"finishReason":"STOP"}],"#
            + #""usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4},"modelVersion":"g"}}"#
    }

    private static func refusal(_ customID: String, _ status: String) -> String {
        #"{"request":{"labels":\#(labels(customID))},"response":{},"status":\#(JSON.string(status).text)}"#
    }

    private static func google(_ files: [String: String], state: String = "JOB_STATE_SUCCEEDED") -> FakeGoogle {
        let google = FakeGoogle()
        google.jobs[id] = [
            "name": .string(id), "state": .string(state),
            "outputInfo": ["gcsOutputDirectory": .string("gs://bucket/\(directory)")],
        ]
        for (name, text) in files { google.put("\(directory)/\(name)", text) }
        return google
    }

    private static func run(_ google: FakeGoogle, input: JSON = input, limit: Int = .max) throws -> OperationProbe {
        let probe = try Deployment.harness().start(.batchResults, input: input)
        google.serve(probe, limit: limit)
        return probe
    }

    @Test
    func predictionsBecomeOutputAndErrors() throws {
        let status = #"Bad Request: {"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}"#
        let google = Self.google([
            "predictions_000.jsonl": Self.prediction("a", "One") + "\n" + Self.refusal("c", status) + "\n",
            "predictions_001.jsonl": Self.prediction("b") + "\r\n\n" + Self.refusal("d", "Too long"),
        ])

        let probe = try Self.run(google)

        let answers = try google.lines(Self.output)
        #expect(answers.map { $0["custom_id"] } == ["a", "b"])
        let answer = try #require(answers.first)
        #expect(answer.object?.names == ["id", "custom_id", "response", "error"])
        #expect(answer["id"]?.string?.hasPrefix("batch_req_") == true)
        #expect(answer["error"] == .null)
        #expect(answer["response"]?["status_code"] == 200)
        let body = try #require(answer["response"]?["body"])
        #expect(body["object"] == "chat.completion" && body["created"] == 9 && body["model"] == "g")
        #expect(body["choices"]?.array?.first?["message"]?["content"] == "One")
        #expect(body["usage"]?["total_tokens"] == 4)

        let refusals = try google.lines(Self.errors)
        #expect(refusals.map { $0["custom_id"] } == ["c", "d"])
        #expect(refusals[0]["response"]?["status_code"] == 400)
        let error = refusals[0]["response"]?["body"]?["error"]
        #expect(error?["code"] == "invalid_argument" && error?["type"] == "invalid_request_error")
        #expect(error?["message"]?.string?.hasSuffix(": No.") == true)
        #expect(refusals[1]["response"] == .null)
        #expect(refusals[1]["error"] == ["code": "provider_error", "message": "Too long"])

        #expect(google.objects.keys.sorted() == [Self.errors, Self.output])
        #expect(
            probe.result == [
                "output_file": [
                    "id": .string("gs://bucket/\(Self.output)"),
                    "bytes": .integer(Int64(google.objects[Self.output]?.count ?? 0)),
                ],
                "error_file": [
                    "id": .string("gs://bucket/\(Self.errors)"),
                    "bytes": .integer(Int64(google.objects[Self.errors]?.count ?? 0)),
                ],
            ]
        )
        let remembered = probe.commands.filter { $0.kind == .remember }.map { String(decoding: $0.data, as: UTF8.self) }
        #expect(Set(remembered) == ["gs://bucket/\(Self.output)", "gs://bucket/\(Self.errors)"])
    }

    @Test(arguments: [false, true])
    func aFileWithoutLinesIsAbsent(areErrors: Bool) throws {
        let google = Self.google(["predictions.jsonl": areErrors ? Self.refusal("a", "x") : Self.prediction("a")])

        let probe = try Self.run(google)

        #expect(probe.result?.object?.names == [areErrors ? "error_file" : "output_file"])
        #expect(google.objects.keys.sorted() == [areErrors ? Self.errors : Self.output])
    }

    @Test(arguments: ["JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED", "JOB_STATE_NEW"])
    func aBatchWithoutPredictionsHasNoFiles(state: String) throws {
        #expect(try Self.run(Self.google([:], state: state)).result == [:])
    }

    @Test(arguments: ["JOB_STATE_RUNNING", "JOB_STATE_PENDING", "JOB_STATE_CANCELLING"])
    func aBatchThatStillWritesIsLeftAlone(state: String) throws {
        let google = Self.google(["predictions.jsonl": Self.prediction("a")], state: state)

        let probe = try Self.run(google)

        #expect(probe.failure?.reason == .conflict)
        #expect(google.objects.count == 1)
    }

    @Test
    func aBatchThatTheProviderHasLostKeepsWhatItHasWritten() throws {
        let google = Self.google(["predictions.jsonl": Self.prediction("a")])
        google.jobs = [:]

        let probe = try Self.run(google)

        #expect(probe.result?["output_file"] != nil)
        #expect(google.objects.keys.sorted() == [Self.output])
    }

    @Test
    func whatAJobWroteMeanwhileIsNotCountedTwice() throws {
        let google = Self.google([
            "predictions.jsonl": Self.prediction("a"), "incremental_predictions.jsonl": Self.prediction("a"),
        ])
        google.put("gantry/b1/prediction-model-1970-01-01T00:00:00.000Z/predictions.jsonl", Self.prediction("old"))

        _ = try Self.run(google)

        #expect(try google.lines(Self.output).map { $0["custom_id"] } == ["a"])
        #expect(google.objects.count == 1)
    }

    @Test
    func resultsInAnotherFolderAreNotTouched() throws {
        let google = Self.google([:])
        google.jobs[Self.id] = [
            "name": .string(Self.id), "state": "JOB_STATE_SUCCEEDED",
            "outputInfo": ["gcsOutputDirectory": "gs://bucket/gantry/b10/prediction-x"],
        ]
        google.put("gantry/b10/prediction-x/predictions.jsonl", Self.prediction("a"))

        #expect(try Self.run(google).failure?.reason == .upstreamProtocol)
        #expect(google.objects.count == 1)
    }

    /// A crash at every request, and at every second one of the next attempt.
    @Test
    func askedAgainAfterACrashItMakesTheSame() throws {
        let files = [
            "predictions_000.jsonl": Self.prediction("a") + "\n" + Self.refusal("c", "x"),
            "predictions_001.jsonl": Self.prediction("b"),
        ]
        let whole = Self.google(files)
        let expected = try Self.run(whole).result

        for first in 0..<whole.requests.count {
            for second in stride(from: 0, to: whole.requests.count, by: 3) {
                let google = Self.google(files)
                _ = try Self.run(google, limit: first)
                _ = try Self.run(google, limit: second)
                let probe = try Self.run(google)
                #expect(probe.result == expected)
                #expect(google.objects == whole.objects, "\(first) \(second)")
            }
        }
    }

    /// The answer of every request in turn gets lost, and the operation is asked again.
    @Test
    func aLostAnswerLosesNoResult() throws {
        let files = ["predictions.jsonl": Self.prediction("a") + "\n" + Self.refusal("c", "x")]
        let whole = Self.google(files)
        let expected = try Self.run(whole).result

        for lost in 1...whole.requests.count {
            let google = Self.google(files)
            google.fault = { _, number in number == lost ? .losesAnswer : nil }
            let first = try Self.run(google)
            google.fault = { _, _ in nil }
            let again = try Self.run(google)
            #expect(first.result == nil || first.result == expected, "\(lost)")
            #expect(again.result == expected, "\(lost)")
            #expect(google.objects == whole.objects, "\(lost)")
        }
    }

    @Test(arguments: [true, false])
    func filesThatWereTakenBackAreMadeAgainFromAllPredictionsOnly(areAllThere: Bool) throws {
        let files = ["predictions_000.jsonl": Self.prediction("a"), "predictions_001.jsonl": Self.prediction("b")]
        let google = Self.google(files)
        google.fault = { request, _ in
            request.method == "DELETE" ? .reply(FakeGoogle.Reply(status: 503, body: "{}")) : nil
        }
        let first = try Self.run(google)
        google.fault = { _, _ in nil }
        google.remove(Self.output)
        if !areAllThere { google.remove("\(Self.directory)/predictions_000.jsonl") }

        let again = try Self.run(google)

        #expect(first.result != nil)
        #expect(again.result == (areAllThere ? first.result : nil))
        #expect((again.failure != nil) == !areAllThere)
    }

    @Test
    func whatCannotBeDeletedKeepsNobodyWaiting() throws {
        let google = Self.google(["predictions.jsonl": Self.prediction("a")])
        google.fault = { request, _ in
            request.method == "DELETE" ? .reply(FakeGoogle.Reply(status: 403, body: "{}")) : nil
        }

        let probe = try Self.run(google)

        #expect(probe.result?["output_file"] != nil)
        google.fault = { _, _ in nil }
        #expect(try Self.run(google).result == probe.result)
        #expect(google.objects.keys.sorted() == [Self.output])
    }

    @Test
    func linesMaySpanTheRangesThatAreRead() throws {
        let text = String(repeating: "w", count: 3 << 20)
        let lines = (0..<5).map { Self.prediction("c\($0)", text) }.joined(separator: "\n")
        let google = Self.google(["predictions.jsonl": lines])

        _ = try Self.run(google)

        #expect(try google.lines(Self.output).map { $0["custom_id"] } == (0..<5).map { .string("c\($0)") })
        let ranges = google.requests.compactMap { $0.header("range")?.value }
        #expect(ranges.count == 4 && ranges.first == "bytes=0-4194303")
        #expect(google.requests.filter { $0.header("range") != nil }.allSatisfy { $0.url.hasSuffix("&generation=7") })
        #expect(google.waits.contains(1), "Others get their turn.")
    }

    @Test
    func aLineOfAnyLengthIsOneOfManyOnly() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: ObjectLines.lengthLimit + 1)
        let google = Self.google([:])
        google.put(
            "\(Self.directory)/predictions.jsonl",
            long + Array("\n\(Self.prediction("a"))\n".utf8)
        )

        let probe = try Self.run(google)

        #expect(probe.result?["output_file"] != nil)
        let refused = try google.lines(Self.errors)
        #expect(refused.map { $0["error"]?["code"] } == ["unreadable_result"])
        #expect(refused.map { $0["custom_id"] } == [.null])
    }

    @Test(
        arguments: [
            "garbage", "[]", "{}", #"{"request":{}}"#, #"{"request":{"labels":{"gantry-custom-id-0":"!"}}}"#, "\u{0}",
            "{", "\"",
        ]
    )
    func anUnreadableLineIsAnErrorOfItsOwn(line: String) throws {
        let google = Self.google(["predictions.jsonl": "\(line)\n\(Self.prediction("a"))"])

        _ = try Self.run(google)

        #expect(try google.lines(Self.output).count == 1)
        let refused = try #require(try google.lines(Self.errors).first)
        #expect(refused["custom_id"] == .null && refused["error"]?["code"] == "unreadable_result")
    }

    @Test(arguments: [503, 429, 404, 403] as [Int32])
    func aRangeThatCannotBeReadIsTriedAgainOrFails(status: Int32) throws {
        let google = Self.google(["predictions.jsonl": Self.prediction("a")])
        var refusals = 0
        google.fault = { request, _ in
            guard request.header("range") != nil, refusals < 2 else { return nil }
            refusals += 1
            return .reply(FakeGoogle.Reply(status: status, body: "{}"))
        }

        let probe = try Self.run(google)

        let passes = status == 503 || status == 429
        #expect((probe.result != nil) == passes)
        #expect(google.objects.keys.contains { $0.hasSuffix("predictions.jsonl") } == !passes)
        #expect(google.openSessions == 0)
    }

    @Test
    func aShortAnswerIsNoResult() throws {
        let google = Self.google(["predictions.jsonl": Self.prediction("a")])
        google.fault = { request, _ in
            request.header("range") == nil ? nil : .reply(FakeGoogle.Reply(status: 206, body: "{"))
        }

        let probe = try Self.run(google)

        #expect(probe.failure?.reason == .upstreamProtocol)
        #expect(google.objects.count == 1)
    }

    @Test
    func credentialsTroubleIsToldWithoutGooglesText() throws {
        let status = #"Error: {"error":{"code":403,"message":"key ya29.secret","status":"PERMISSION_DENIED"}}"#

        let line = try BatchResultLine(
            Array(Self.refusal("a", status).utf8),
            place: "p",
            model: "m"
        ) { text throws(Failure) in text }

        let text = String(decoding: line.bytes, as: UTF8.self)
        #expect(line.isError && !text.contains("secret") && text.contains(#""status_code":502"#))
    }

    @Test
    func changedPredictionsAreLinesOfOneOrTheOther() throws {
        var mutator = Mutator(seed: 8)
        let original = try JSON(text: Self.prediction("a"))
        for _ in 0..<2000 {
            let changed = mutator.mutated(original).serialized()
            let line = try BatchResultLine(changed, place: "p", model: "m") { text throws(Failure) in text }
            let document = try JSON(parsing: line.bytes)
            #expect(document.object?.names == ["id", "custom_id", "response", "error"])
            #expect(line.isError == (document["response"]?["status_code"] != 200))
        }
    }
}
