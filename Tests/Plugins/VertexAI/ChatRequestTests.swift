import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct ChatRequestTests {
    @Test(arguments: Fixture.all("requests"))
    func aRequestBecomesWhatGeminiReads(fixture: Fixture) throws {
        let changes: JSON =
            fixture.testDescription == "text"
            ? ["safety_settings": [["category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"]]] : [:]
        let settings = try Deployment.settings(changes)

        let request = try ChatRequest(fixture.json("request"), references: fixture.references, settings: settings)

        #expect(try request.body.canonical.text == fixture.json("expected").canonical.text)
    }

    @Test
    func usageIsAskedForInTheStreamOptions() throws {
        let request = try JSON(
            text: #"{"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true}}"#
        )

        #expect(try ChatRequest(request, references: [], settings: Deployment.settings()).includesUsage)
    }

    @Test(arguments: [("minimal", "MINIMAL"), ("low", "LOW"), ("medium", "MEDIUM"), ("high", "HIGH")])
    func newerModelsThinkByLevel(effort: String, level: String) throws {
        let request = try JSON(
            text: #"{"model":"m","messages":[{"role":"user","content":"x"}],"reasoning_effort":"\#(effort)"}"#
        )

        let body = try ChatRequest(
            request,
            references: [],
            settings: Deployment.settings(["model": "gemini-3-flash"])
        ).body

        #expect(body["generationConfig"]?["thinkingConfig"] == ["thinkingLevel": .string(level)])
    }

    @Test
    func newerModelsCannotBeKeptFromThinking() throws {
        let request = try JSON(
            text: #"{"model":"m","messages":[{"role":"user","content":"x"}],"reasoning_effort":"none"}"#
        )
        let settings = try Deployment.settings(["model": "gemini-3-flash"])

        let failure = #expect(throws: Failure.self) {
            try ChatRequest(request, references: [], settings: settings)
        }

        #expect(failure?.reason == .unsupported)
        #expect(failure?.parameter == "reasoning_effort")
    }

    @Test(
        arguments: [
            ("application/pdf", "x", "application/pdf"), ("", "notes.MD", "text/markdown"),
            ("application/octet-stream", "a.mp3", "audio/mp3"), ("not a type", "a.csv", "text/csv"),
        ]
    )
    func theTypeOfAFileIsItsOwnOrThatOfItsName(type: String, filename: String, expected: String) throws {
        let reference = Reference(
            kind: .file,
            range: 0..<0,
            clientID: "file-1",
            upstreamID: "gs://b/o",
            mimeType: type,
            filename: filename
        )

        let body = try ChatRequest(
            Self.fileRequest,
            references: [reference],
            settings: Deployment.settings()
        ).body

        let part = body["contents"]?.array?.first?["parts"]?.array?.first
        #expect(part == ["fileData": ["mimeType": .string(expected), "fileUri": "gs://b/o"]])
    }

    @Test
    func aFileOfUnknownTypeIsRefused() throws {
        let reference = Reference(
            kind: .file,
            range: 0..<0,
            clientID: "file-1",
            upstreamID: "gs://b/o",
            mimeType: "application/octet-stream",
            filename: "data"
        )
        let settings = try Deployment.settings()

        let failure = #expect(throws: Failure.self) {
            try ChatRequest(Self.fileRequest, references: [reference], settings: settings)
        }

        #expect(failure?.reason == .unsupported)
        #expect(failure?.parameter == "messages.[0].content.[0].file.file_id")
    }

    private static let fileRequest: JSON = [
        "model": "m",
        "messages": [["role": "user", "content": [["type": "file", "file": ["file_id": "file-1"]]]]],
    ]
}

struct MediaTypeTests {
    @Test(
        arguments: [
            ("a.pdf", "application/pdf"), ("https://x.org/a.png?b=.txt", "image/png"), ("gs://b/c?d.txt", "text/plain"),
            ("noextension", nil), ("https://x.org/", nil), (".", nil), ("", nil), ("a.", nil), ("a/b.c/d", nil),
        ] as [(String, String?)]
    )
    func aNameShowsItsTypeByItsEnd(name: String, type: String?) {
        #expect(MediaType.guess(fromName: name) == type)
    }

    @Test(
        arguments: [
            "data:", "data:,", "data:;base64,AA", "data:text/plain,hello", "data:text/plain;base64",
            "data:text/plain;base64,", "data:text;base64,AA", "data:a/b/c;base64,AA", "data:te xt/plain;base64,AA",
            "data:\(String(repeating: "a", count: 300))/b;base64,AA", "http://x", "",
        ]
    )
    func whatIsNotABase64DataURLIsNotTakenForOne(url: String) {
        #expect(MediaType.splitDataURL(url) == nil)
    }
}
