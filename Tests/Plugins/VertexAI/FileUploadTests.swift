import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct FileUploadTests {
    private static let id = "gs://bucket/gantry/n1/paper.pdf"
    private static let session =
        "https://storage.googleapis.com/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id=s1"
    private static let piece = ResumableUpload.pieceSize

    private static func input(bytes: UInt64) -> JSON {
        [
            "filename": "paper.pdf", "mime_type": "application/pdf", "purpose": "user_data",
            "bytes": .integer(Int64(bytes)), "sha256": "abc", "name": "n1",
        ]
    }

    /// An operation whose session is open, and which has sent its first piece.
    private static func uploading(_ bytes: UInt64) throws -> OperationProbe {
        let probe = try Deployment.harness().start(.fileCreate, input: input(bytes: bytes), sourceLength: bytes)
        probe.token("t")
        probe.respond(200, headers: [("location", session)])
        return probe
    }

    private static func text(_ command: ProbeCommand?) -> String? {
        command.map { String(decoding: $0.data, as: UTF8.self) }
    }

    @Test
    func aFileIsRememberedBeforeItsSessionIsOpened() throws {
        let probe = try Deployment.harness().start(.fileCreate, input: Self.input(bytes: 12), sourceLength: 12)
        let call = try #require(probe.token("t").first)
        let put = try #require(probe.respond(200, headers: [("location", Self.session)]).last)
        probe.respond(200, #"{"name":"gantry/n1/paper.pdf","size":"12"}"#)

        #expect(probe.commands.first?.kind == .remember)
        #expect(probe.commands.first?.text == "file")
        #expect(Self.text(probe.commands.first) == Self.id)
        #expect(call.method == "POST")
        #expect(
            call.url == "https://storage.googleapis.com/upload/storage/v1/b/bucket/o?uploadType=resumable"
                + "&name=gantry%2Fn1%2Fpaper.pdf&ifGenerationMatch=0"
        )
        #expect(call.header("x-upload-content-type")?.value == "application/pdf")
        #expect(call.header("x-upload-content-length")?.value == "12")
        #expect(
            call.bodyText()
                == #"{"contentType":"application/pdf","metadata":{"purpose":"user_data","sha256":"abc"}}"#
        )
        #expect(put.method == "PUT")
        #expect(put.url == Self.session)
        #expect(put.header("content-range")?.value == "bytes 0-11/12")
        #expect(put.header("content-type")?.value == "application/pdf")
        #expect(put.header("authorization") == nil)
        #expect(put.body == [.source(offset: 0, length: 12)])
        #expect(probe.result == ["id": .string(Self.id), "bytes": 12, "status": "processed"])
        #expect(!probe.commands.contains { $0.kind == .forget })
    }

    @Test
    func aLargeFileGoesInPieces() throws {
        let total = Self.piece + 7
        let probe = try Self.uploading(total)

        let first = try #require(probe.last)
        // An emulator gives a body with its 308.
        let second = try #require(probe.respond(308, "{}", headers: [("range", "bytes=0-\(Self.piece - 1)")]).last)
        probe.respond(201, #"{"size":"\#(total)"}"#)

        #expect(first.body == [.source(offset: 0, length: Self.piece)])
        #expect(second.header("content-range")?.value == "bytes \(Self.piece)-\(total - 1)/\(total)")
        #expect(second.body == [.source(offset: Self.piece, length: 7)])
        #expect(probe.result?["bytes"] == .integer(Int64(total)))
    }

    @Test
    func anEmptyFileHasNoBytesToSend() throws {
        let probe = try Self.uploading(0)

        let put = try #require(probe.last)
        probe.respond(200, #"{"size":"0"}"#)

        #expect(put.header("content-range")?.value == "bytes */0")
        #expect(put.body.isEmpty)
        #expect(probe.result?["bytes"] == 0)
    }

    @Test
    func aBrokenPieceIsContinuedWhereTheServerIs() throws {
        let total = 2 * Self.piece
        let probe = try Self.uploading(total)

        let wait = try #require(probe.failed(4).last)
        let query = try #require(probe.timer().last)
        let next = try #require(probe.respond(308, headers: [("range", "bytes=0-262143")]).last)

        #expect(wait.kind == .wait)
        #expect(wait.value == 1000)
        #expect(query.header("content-range")?.value == "bytes */\(total)")
        #expect(query.body.isEmpty)
        #expect(next.body == [.source(offset: 262_144, length: Self.piece)])
    }

    @Test
    func aRefusedTokenIsRenewedForTheSession() throws {
        let probe = try Deployment.harness().start(.fileCreate, input: Self.input(bytes: 1), sourceLength: 1)
        probe.token("old")

        probe.head(status: 401)
        let call = try #require(probe.token("new").first)

        #expect(call.url.contains("uploadType=resumable"))
        #expect(call.header("authorization")?.value == "Bearer new")
    }

    @Test
    func aSessionThatIsRefusedForAPassingReasonIsAskedForAgain() throws {
        let probe = try Deployment.harness().start(.fileCreate, input: Self.input(bytes: 1), sourceLength: 1)
        probe.token("t")

        let wait = try #require(probe.respond(503, #"{"error":{"message":"Busy."}}"#).first)
        _ = probe.timer()
        let call = try #require(probe.token("t").first)

        #expect(wait.kind == .wait)
        #expect(call.url.contains("uploadType=resumable"))
    }

    @Test(arguments: [400, 403, 404, 429, 500, 503] as [Int32])
    func aSessionThatIsRefusedLeavesNothing(status: Int32) throws {
        let probe = try Deployment.harness().start(.fileCreate, input: Self.input(bytes: 1), sourceLength: 1)
        probe.token("t")

        var ends = probe.respond(status, #"{"error":{"message":"No."}}"#)
        while ends.first?.kind == .wait {
            _ = probe.timer()
            _ = probe.token("t")
            ends = probe.respond(status, #"{"error":{"message":"No."}}"#)
        }

        #expect(ends.map(\.kind) == [.forget, .error])
        #expect(probe.failure?.upstreamStatus == Int(status))
    }

    @Test
    func anObjectInTheWayIsSomebodyElsesAndStays() throws {
        let probe = try Deployment.harness().start(.fileCreate, input: Self.input(bytes: 1), sourceLength: 1)
        probe.token("t")

        let ends = probe.respond(412)

        #expect(ends.map(\.kind) == [.forget, .error])
        #expect(probe.failure?.reason == .conflict)
    }

    @Test(
        arguments: [
            "https://evil.example/upload", "http://storage.googleapis.com.evil/x", "//evil/x",
            "ftp://storage.googleapis.com/x",
            "https://storage.googleapis.com", "https://storage.googleapis.com:8443/x",
            "https://a@storage.googleapis.com/x",
            "/a b", "", "https://storage.googleapis.com/x\u{1}",
        ]
    )
    func theFileIsGivenToNoOtherHost(location: String) throws {
        let probe = try Deployment.harness().start(.fileCreate, input: Self.input(bytes: 1), sourceLength: 1)
        probe.token("t")

        let ends = probe.respond(200, headers: [("location", location)])

        #expect(ends.map(\.kind) == [.forget, .error])
        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(
        arguments: [
            ("https://storage.googleapis.com:443/u?x=1", "https://storage.googleapis.com/u?x=1"),
            ("HTTPS://Storage.GoogleAPIs.com/U", "https://storage.googleapis.com/U"),
            ("http://storage.googleapis.com/u", "https://storage.googleapis.com/u"),
            ("/u?x=1", "https://storage.googleapis.com/u?x=1"),
        ]
    )
    func theSessionIsAtTheSameHost(location: String, url: String) throws {
        let probe = try Deployment.harness().start(.fileCreate, input: Self.input(bytes: 1), sourceLength: 1)
        probe.token("t")

        let put = try #require(probe.respond(200, headers: [("location", location)]).last)

        #expect(put.url == url)
    }

    @Test
    func anUploadThatIsGivenUpIsUndone() throws {
        let probe = try Self.uploading(10)

        let end = try #require(probe.respond(400, "Bad").last)
        let token = try #require(probe.respond(499).last)
        let delete = try #require(probe.token("t").last)
        let ends = probe.respond(404)

        #expect(end.method == "DELETE")
        #expect(end.url == Self.session)
        #expect(token.kind == .token)
        #expect(delete.method == "DELETE")
        #expect(delete.url == FileOperationTests.path)
        #expect(ends.map(\.kind) == [.forget, .error])
        #expect(probe.failure?.reason == .invalid)
    }

    @Test
    func whatCannotBeUndoneStaysRemembered() throws {
        let probe = try Self.uploading(10)
        probe.respond(400, "Bad")
        probe.failed(4)
        probe.token("t")

        let ends = probe.respond(503)

        #expect(ends.map(\.kind) == [.error])
        #expect(!probe.commands.contains { $0.kind == .forget })
        #expect(probe.failure?.upstreamStatus == 400)
    }

    @Test(arguments: ["9", "11", "0"])
    func anObjectOfAnotherSizeIsUndone(size: String) throws {
        let probe = try Self.uploading(10)

        probe.respond(200, #"{"size":"\#(size)"}"#)
        probe.respond(499)
        probe.token("t")
        let ends = probe.respond(204)

        #expect(ends.map(\.kind) == [.forget, .error])
        #expect(probe.failure?.reason == .upstreamProtocol)
        #expect(probe.failure?.isRetryable == true)
    }

    @Test
    func aServerThatMakesNoProgressIsGivenUp() throws {
        let probe = try Self.uploading(Self.piece)
        var rounds = 0
        while probe.last?.kind == .wait || probe.last?.method == "PUT", rounds < 100 {
            rounds += 1
            if probe.last?.kind == .wait { probe.timer() } else { probe.respond(308) }
        }

        #expect(probe.last?.method == "DELETE")
        #expect(rounds < 20)
        probe.respond(499)
        probe.token("t")
        probe.respond(204)
        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    /// After CANCEL nothing may be sent: what is left stays remembered, and the host undoes it.
    @Test(arguments: 0..<9)
    func aClientThatLeavesEndsTheUpload(step: Int) throws {
        let probe = try Deployment.harness()
            .start(.fileCreate, input: Self.input(bytes: 2 * Self.piece), sourceLength: 2 * Self.piece)
        let steps: [() -> [ProbeCommand]] = [
            { probe.token("t") }, { probe.head(status: 200, headers: [("location", Self.session)]) }, { probe.end() },
            { probe.failed(4) }, { probe.timer() }, { probe.respond(308, headers: [("range", "bytes=0-262143")]) },
            { probe.head(status: 400) }, { probe.end() },
        ]
        for step in steps.prefix(step) { _ = step() }

        let commands = probe.cancel()

        #expect(probe.commands.first?.kind == .remember)
        #expect(commands.allSatisfy { $0.kind == .error || $0.kind == .forget })
        #expect(commands.last?.kind == .error)
        #expect(step < 3 || !commands.contains { $0.kind == .forget })
    }

    @Test(arguments: ["a/b", "..", "", "a b"])
    func aNameOfTheHostsIsCheckedToo(name: String) throws {
        var input = try #require(Self.input(bytes: 1).object)
        input["name"] = .string(name)

        let probe = try Deployment.harness().start(.fileCreate, input: .object(input), sourceLength: 1)

        #expect(probe.commands.map(\.kind) == [.error])
        #expect(probe.failure?.reason == .internalError)
    }

    @Test
    func aFileOfUnknownLengthIsRefused() throws {
        var input = try #require(Self.input(bytes: 1).object)
        input["bytes"] = nil

        let probe = try Deployment.harness().start(.fileCreate, input: .object(input))

        #expect(probe.commands.map(\.kind) == [.error])
    }
}
