import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct FileOperationTests {
    static let id = "gs://bucket/gantry/n1/paper.pdf"
    static let path = "https://storage.googleapis.com/storage/v1/b/bucket/o/gantry%2Fn1%2Fpaper.pdf"

    @Test
    func aFileIsFound() throws {
        let probe = try Deployment.harness().start(.fileGet, input: ["id": .string(Self.id)])
        let call = try #require(probe.token("t").first)

        probe.respond(200, #"{"name":"gantry/n1/paper.pdf","size":"12"}"#)

        #expect(call.method == "GET")
        #expect(call.url == Self.path)
        #expect(call.header("authorization")?.value == "Bearer t")
        #expect(probe.result == ["id": .string(Self.id), "bytes": 12, "status": "processed"])
    }

    @Test(arguments: [200, 204, 404] as [Int32])
    func aFileThatIsGoneIsDeleted(status: Int32) throws {
        let probe = try Deployment.harness().start(.fileDelete, input: ["id": .string(Self.id)])
        let call = try #require(probe.token("t").first)

        let ends = probe.respond(status, status == 200 ? "null" : "")

        #expect(call.method == "DELETE")
        #expect(call.url == Self.path)
        #expect(ends.map(\.kind) == [.forget, .result])
        #expect(ends.first?.text == "file")
        #expect(ends.first.map { String(decoding: $0.data, as: UTF8.self) } == Self.id)
        #expect(probe.result == ["id": .string(Self.id), "deleted": true])
    }

    @Test
    func aFileThatCannotBeDeletedIsNotForgotten() throws {
        let probe = try Deployment.harness().start(.fileDelete, input: ["id": .string(Self.id)])
        probe.token("t")

        let ends = probe.respond(
            503,
            #"{"error":{"code":503,"message":"Backend","errors":[{"reason":"backendError"}]}}"#
        )

        #expect(ends.map(\.kind) == [.error])
        #expect(probe.failure?.reason == .upstreamUnavailable)
    }

    @Test
    func filesAreListedByPage() throws {
        let probe = try Deployment.harness().start(.fileList, input: ["limit": 2, "after": "a&b"])
        let call = try #require(probe.token("t").first)

        probe.respond(
            200,
            """
            {"items":[{"name":"gantry/a/b","size":"5"},{"name":"gantry/folder/","size":"0"},{"name":"other","size":"1"},
            {"name":"gantry/c/d","size":7}],"nextPageToken":"next"}
            """
        )

        #expect(
            call.url == "https://storage.googleapis.com/storage/v1/b/bucket/o?prefix=gantry%2F&maxResults=2"
                + "&pageToken=a%26b"
        )
        #expect(
            probe.result == [
                "data": [["id": "gs://bucket/gantry/a/b", "bytes": 5], ["id": "gs://bucket/gantry/c/d", "bytes": 7]],
                "next": "next",
            ]
        )
    }

    @Test(arguments: [(nil, "1000"), (0, "1"), (10000, "1000")] as [(JSON?, String)])
    func pagesAreBounded(limit: JSON?, expected: String) throws {
        var input = JSONObject()
        input["limit"] = limit
        let probe = try Deployment.harness().start(.fileList, input: .object(input))

        let call = try #require(probe.token("t").first)
        probe.respond(200, "{}")

        #expect(call.url.hasSuffix("maxResults=\(expected)"))
        #expect(probe.result == ["data": []])
    }

    @Test(arguments: [(200, nil), (206, "bytes=0-9")] as [(Int32, String?)])
    func bytesArePiped(status: Int32, range: String?) throws {
        var input = JSONObject()
        input["id"] = .string(Self.id)
        input["range"] = range.map { .string($0) }
        let probe = try Deployment.harness().start(.fileContent, input: .object(input))
        let call = try #require(probe.token("t").first)

        let pipe = probe.head(status: status)
        let ends = probe.end()

        #expect(call.url == Self.path + "?alt=media")
        #expect(call.header("range")?.value == range)
        #expect(call.code == HTTPRequest.Framing.raw.rawValue)
        #expect(pipe.map(\.kind) == [.pipe])
        #expect(ends.map(\.kind) == [.result])
    }

    @Test(arguments: [(416, .invalid), (404, .notFound), (403, .upstreamAuthentication)] as [(Int32, FailureReason)])
    func bytesThatCannotBeHadAreAFailure(status: Int32, reason: FailureReason) throws {
        let probe = try Deployment.harness().start(.fileContent, input: ["id": .string(Self.id), "range": "bytes=9-"])
        probe.token("t")

        probe.respond(status, "no")

        #expect(probe.failure?.reason == reason)
        #expect(probe.failure?.upstreamStatus == Int(status))
    }

    @Test
    func aRangeCannotAddAHeader() throws {
        let probe = try Deployment.harness()
            .start(.fileContent, input: ["id": .string(Self.id), "range": "bytes=0-1\r\nX: y"])

        #expect(probe.failure?.reason == .invalid)
        #expect(probe.commands.count == 1)
    }

    @Test(
        arguments: [OperationKind.fileGet, .fileDelete, .fileContent],
        [
            "gs://other/gantry/n1/x", "gs://bucket/other/x", "gs://bucket/gantry/", "gs://bucket/gantry", "",
            "gs://bucket/gantry/../x", "gs://bucket/gantry/a/./b", "gs://bucket/gantry//x", "gs://bucket/gantry/a\nb",
            "gs://bucket/gantryx/a", "https://bucket/gantry/a",
            "gs://bucket/gantry/\(String(repeating: "a", count: 1030))",
        ]
    )
    func foreignObjectsAreNotTouched(kind: OperationKind, id: String) throws {
        let probe = try Deployment.harness().start(kind, input: ["id": .string(id)])

        #expect(probe.failure?.reason == .invalid)
        #expect(probe.commands.count == 1)
    }

    @Test(arguments: [OperationKind.fileCreate, .fileGet, .fileDelete, .fileList, .fileContent])
    func withoutABucketTheRefusalSaysWhatToSet(kind: OperationKind) throws {
        let probe = try Deployment.harness(["gcs_bucket_name": nil]).start(kind, input: ["id": .string(Self.id)])

        #expect(probe.failure?.reason == .unsupported)
        #expect(probe.failure?.message.contains("gcs_bucket_name") == true)
        #expect(probe.commands.count == 1)
    }

    @Test
    func anEmulatorIsSpokenToWithoutAToken() throws {
        let probe = try Deployment.harness(["vertex_credentials": nil, "gcs_api_base": "127.0.0.1:4443"])
            .start(.fileGet, input: ["id": .string(Self.id)])

        let call = try #require(probe.last)

        #expect(call.kind == .http)
        #expect(call.url == "http://127.0.0.1:4443/storage/v1/b/bucket/o/gantry%2Fn1%2Fpaper.pdf")
        #expect(call.header("authorization") == nil)
    }

    @Test(arguments: ["", "{}", #"{"size":"x"}"#, #"{"size":"-1"}"#, "[]"])
    func anAnswerThatIsNotAnObjectsIsAFailure(body: String) throws {
        let probe = try Deployment.harness().start(.fileGet, input: ["id": .string(Self.id)])
        probe.token("t")

        probe.respond(200, body)

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(
        arguments: [
            ("paper.pdf", "paper.pdf"), ("../../etc/passwd", "passwd"), ("C:\\x\\a b.txt", "a_b.txt"), ("", "file"),
            ("..", "file"), (".", "file"), ("/", "file"), ("r\u{e9}sum\u{e9}.pdf", "r_sum_.pdf"),
            ("a\r\nb?.csv", "a_b_.csv"),
            (String(repeating: "x", count: 500) + ".pdf", String(repeating: "x", count: 196) + ".pdf"),
        ]
    )
    func aFilenameBecomesASafePartOfAName(filename: String, expected: String) {
        #expect(StoredObject.sanitized(filename) == expected)
    }
}
