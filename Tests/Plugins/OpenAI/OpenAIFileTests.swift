import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

struct OpenAIFileTests {
    private static let upload: JSON = [
        "filename": "report.pdf", "mime_type": "application/pdf", "purpose": "user_data", "bytes": 9, "sha256": "00",
        "name": "object-1", "expires_in": 3_600,
    ]

    private let harness: PluginHarness<OpenAIAdapter>

    init() throws { harness = try .standard() }

    @Test
    func aFileIsUploadedAsAFormWithTheSourceInIt() throws {
        let probe = try harness.start(.fileCreate, input: Self.upload, sourceLength: 9)
        let request = try #require(probe.last)
        probe.respond(200, Fixtures.file)

        let boundary = "gantry-000102030405060708090a0b0c0d0e0f"
        #expect(request.method == "POST")
        #expect(request.url == "https://api.openai.com/v1/files")
        #expect(request.header("content-type")?.value == "multipart/form-data; boundary=\(boundary)")
        #expect(request.body.contains(.source()))
        let expected = [
            "--\(boundary)", #"Content-Disposition: form-data; name="purpose""#, "", "user_data",
            "--\(boundary)", #"Content-Disposition: form-data; name="expires_after[anchor]""#, "", "created_at",
            "--\(boundary)", #"Content-Disposition: form-data; name="expires_after[seconds]""#, "", "3600",
            "--\(boundary)", #"Content-Disposition: form-data; name="file"; filename="report.pdf""#,
            "Content-Type: application/pdf", "", "%PDF-1.4\n", "--\(boundary)--", "",
        ]
        #expect(request.bodyText(source: Array("%PDF-1.4\n".utf8)) == expected.joined(separator: "\r\n"))
        #expect(probe.commands.map { $0.kind } == [.http, .remember, .result])
        #expect(probe.commands[1].text == "file")
        #expect(probe.commands[1].data == Array("file-abc123".utf8))
        #expect(
            probe.result
                == ["id": "file-abc123", "bytes": 120_000, "status": "processed", "expires_at": 1_677_614_202]
        )
    }

    @Test
    func everyUploadHasABoundaryOfItsOwn() throws {
        let first = try harness.start(.fileCreate, input: Self.upload)
        let second = try harness.start(.fileCreate, input: Self.upload)

        #expect(first.last?.header("content-type") != second.last?.header("content-type"))
    }

    @Test
    func withoutRandomnessNothingIsUploaded() throws {
        harness.host.randomStatus = -7

        let probe = try harness.start(.fileCreate, input: Self.upload)

        #expect(probe.commands.map { $0.kind } == [.error])
    }

    @Test(arguments: [
        ("a\"b\r\nc.txt", #"filename="a%22b%0D%0Ac.txt""#), ("a\r\n.txt", #"filename="a%0D%0A.txt""#),
        ("résumé 😀.pdf", #"filename="résumé 😀.pdf""#), ("100%22.txt", #"filename="100%22.txt""#),
        ("a\\b", #"filename="a\b""#), ("", #"filename="""#),
    ])
    func namesCannotLeaveTheirPlaceInTheForm(filename: String, expected: String) throws {
        let probe = try harness.start(
            .fileCreate,
            input: ["filename": .string(filename), "mime_type": "text/x\r\nX-Evil: 1", "purpose": "messages"]
        )

        let body = try #require(probe.last?.bodyText())
        #expect(body.contains(expected + "\r\nContent-Type: application/octet-stream\r\n\r\n"))
        #expect(body.contains("\r\n\r\nuser_data\r\n"))
        #expect(!body.contains("expires_after"))
    }

    @Test
    func anUploadsAnswerThatIsCutOffIsAProtocolFailure() throws {
        let body = Array(Fixtures.file.utf8)
        for offset in 0..<body.count {
            let probe = try harness.start(.fileCreate, input: Self.upload)
            probe.head(status: 200)
            probe.data(Array(body[..<offset]))
            probe.end()

            #expect(probe.failure?.reason == .upstreamProtocol)
            #expect(probe.commands.count == 2)
        }
    }

    @Test(arguments: ["null", "[]", "{}", #"{"id":7}"#, #"{"id":""}"#, #"{"id":null,"bytes":1}"#])
    func anAnswerWithoutAnIDIsAProtocolFailure(body: String) throws {
        for kind in [OperationKind.fileCreate, .fileGet] {
            let probe = try harness.start(kind, input: kind == .fileGet ? ["id": "x"] : Self.upload)

            probe.respond(200, body)

            #expect(probe.failure?.reason == .upstreamProtocol)
        }
    }

    @Test
    func whatTheProviderLeavesOutIsLeftOut() throws {
        let probe = try harness.start(.fileGet, input: ["id": "a/b?c#d é.."])
        let request = try #require(probe.last)
        probe.respond(200, #"{"id":"a","status":"pending","expires_at":null}"#)

        #expect(request.method == "GET")
        #expect(request.url == "https://api.openai.com/v1/files/a%2Fb%3Fc%23d%20%C3%A9..")
        #expect(request.flags == 1)
        #expect(probe.result == ["id": "a", "status": "uploaded"])
    }

    private static let badIDs: [JSON] = [[:], ["id": ""], ["id": "."], ["id": ".."], ["id": 7]]

    @Test(arguments: badIDs)
    func idsThatWouldMakeAnotherPathAreNotFound(input: JSON) throws {
        for kind in [OperationKind.fileGet, .fileDelete, .fileContent] {
            let probe = try harness.start(kind, input: input)

            #expect(probe.failure?.reason == .notFound)
            #expect(probe.commands.count == 1)
        }
    }

    @Test(
        arguments: [(Int32(200), Fixtures.deleted), (404, Fixtures.error("No such File object: file-1", param: "id"))]
            as [(Int32, String)]
    )
    func aFileThatIsGoneIsDeleted(status: Int32, body: String) throws {
        let probe = try harness.start(.fileDelete, input: ["id": "file-1"])
        let request = try #require(probe.last)
        probe.respond(status, body)

        #expect(request.method == "DELETE")
        #expect(request.url == "https://api.openai.com/v1/files/file-1")
        #expect(probe.commands.map { $0.kind } == [.http, .forget, .result])
        #expect(probe.commands[1].data == Array("file-1".utf8))
        #expect(probe.result == ["id": "file-1", "deleted": true])
    }

    @Test(
        arguments: [
            (Int32(200), #"{"id":"file-1","deleted":false}"#, FailureReason.conflict), (200, "", .upstreamProtocol),
            (200, "<html>", .upstreamProtocol), (500, "", .upstreamUnavailable), (401, "", .upstreamAuthentication),
        ] as [(Int32, String, FailureReason)]
    )
    func aFileThatMayStillBeThereIsNotForgotten(status: Int32, body: String, reason: FailureReason) throws {
        let probe = try harness.start(.fileDelete, input: ["id": "file-1"])

        probe.respond(status, body)

        #expect(probe.failure?.reason == reason)
        #expect(probe.commands.map { $0.kind } == [.http, .error])
    }

    private static let cursors: [(JSON, String)] = [
        ([:], "/files"), (["limit": 5], "/files?limit=5"),
        (["limit": 5, "after": "a&b=c"], "/files?limit=5&after=a%26b%3Dc"),
    ]

    @Test(arguments: cursors)
    func aListIsAskedForByItsCursor(input: JSON, path: String) throws {
        #expect(try harness.start(.fileList, input: input).last?.url == "https://api.openai.com/v1" + path)
    }

    private static let pages: [(String, JSON)] = [
        (
            Fixtures.list,
            ["data": [["id": "file-2", "bytes": 175], ["id": "file-1", "bytes": 140]], "next": "file-1"]
        ),
        (Fixtures.emptyList, ["data": []]), (#"{"data":[],"has_more":true}"#, ["data": []]),
    ]

    @Test(arguments: pages)
    func aListTellsIDsLengthsAndWhereItGoesOn(body: String, result: JSON) throws {
        let probe = try harness.start(.fileList)

        probe.respond(200, body)

        #expect(probe.result == result)
    }

    @Test
    func aListThatIsCutOffIsAProtocolFailure() throws {
        let body = Array(Fixtures.list.utf8)
        for offset in 0..<body.count {
            let probe = try harness.start(.fileList)
            probe.head(status: 200)
            probe.data(Array(body[..<offset]))
            probe.end()

            #expect(probe.failure?.reason == .upstreamProtocol)
        }
    }

    @Test(
        arguments: [
            (nil, nil), ("bytes=0-99", "bytes=0-99"), ("bytes=-5", "bytes=-5"), ("bytes=0-1, 4-5", "bytes=0-1, 4-5"),
            ("bytes=0-\r\nX: 1", nil), ("lines=1-2", nil),
        ] as [(String?, String?)]
    )
    func contentIsPipedWithTheClientsRange(range: String?, sent: String?) throws {
        var input = JSONObject()
        input["id"] = "file-1"
        input["range"] = range.map { .string($0) }

        let probe = try harness.start(.fileContent, input: .object(input))
        let request = try #require(probe.last)
        probe.head(status: sent == nil ? 200 : 206)
        probe.end()

        #expect(request.url == "https://api.openai.com/v1/files/file-1/content")
        #expect(request.header("range")?.value == sent)
        #expect(request.code == 1)
        #expect(probe.commands.map { $0.kind } == [.http, .pipe, .result])
    }

    @Test
    func contentThatTheProviderKeepsIsUnsupportedWithARemedy() throws {
        let probe = try harness.start(.fileContent, input: ["id": "file-1"])

        probe.respond(400, Fixtures.error("Not allowed to download files of purpose: user_data"))

        #expect(probe.failure?.reason == .unsupported)
        #expect(probe.failure?.message.contains("Not allowed to download files of purpose: user_data") == true)
        #expect(probe.failure?.message.contains("target_model_names") == true)
    }

    @Test
    func contentThatIsGoneIsNotFound() throws {
        let probe = try harness.start(.fileContent, input: ["id": "file-1"])

        probe.respond(404, Fixtures.error("No such File object: file-1", param: "id"))

        #expect(probe.failure?.reason == .notFound)
    }

    @Test
    func aProbeAsksForTheModels() throws {
        let probe = try harness.start(.probe)

        probe.respond(200, Fixtures.models)

        #expect(probe.result == [:])
    }
}
