import GantryPlugin
import OpenAIAdapter
import PluginHarness
import Testing

/// What a search for the file of an upload takes for that file.
struct FileSearchTests {
    private static let upload: JSON = [
        "filename": "a \"b\".pdf", "mime_type": "application/pdf", "purpose": "messages", "bytes": 9, "sha256": "00",
        "name": "object-1",
    ]
    private static let fitting: [(String, JSON)] = [
        ("id", "file-1"), ("filename", "a \"b\".pdf"), ("bytes", 9), ("purpose", "user_data"), ("created_at", 150),
    ]

    private let harness: PluginHarness<OpenAIAdapter>

    init() throws { harness = try .standard() }

    private static func file(_ member: String = "", _ value: JSON? = nil) -> JSON {
        var file = JSONObject()
        for (name, usual) in fitting {
            guard name == member else {
                file[name] = usual
                continue
            }
            if let value { file[name] = value }
        }
        return .object(file)
    }

    private static func page(_ files: [JSON], hasMore: Bool = false) -> String {
        let page: JSON = ["data": .array(files), "has_more": .bool(hasMore)]
        return String(decoding: page.serialized(), as: UTF8.self)
    }

    private func search(_ answer: String, after: String? = nil) throws -> JSON? {
        var input = JSONObject()
        input["like"] = Self.upload
        input["since"] = 100
        input["until"] = 200
        if let after { input["after"] = .string(after) }
        let probe = try harness.start(.fileList, input: .object(input))
        let query = "/files?order=desc&limit=1000" + (after.map { "&after=\($0)" } ?? "")
        #expect(probe.last?.url == "https://api.openai.com/v1" + query)
        probe.respond(200, answer)
        return probe.result
    }

    @Test(
        arguments: [
            ("filename", "a %22b%22.pdf"), ("created_at", 100), ("created_at", 200), ("status", "uploaded"),
        ] as [(String, JSON)]
    )
    func aFileThatIsLikeTheUploadIsFound(member: String, value: JSON) throws {
        #expect(try search(Self.page([Self.file(member, value)])) == ["data": [["id": "file-1", "bytes": 9]]])
    }

    @Test(
        arguments: [
            ("filename", "a.pdf"), ("filename", nil), ("bytes", 8), ("bytes", nil), ("bytes", "9"),
            ("purpose", "batch"),
            ("purpose", "messages"), ("created_at", 99), ("created_at", 201), ("created_at", nil),
        ] as [(String, JSON?)]
    )
    func aFileThatDiffersInOneThingIsNot(member: String, value: JSON?) throws {
        #expect(try search(Self.page([Self.file(member, value)])) == ["data": []])
    }

    @Test
    func thePagesGoOnUntilTheFilesAreTooOld() throws {
        let young = Self.file("created_at", 101)
        let old = Self.file("created_at", 99)

        #expect(try search(Self.page([young], hasMore: true))?["next"] == "file-1")
        #expect(try search(Self.page([young, old], hasMore: true))?["next"] == nil)
        #expect(try search(Self.page([young], hasMore: false))?["next"] == nil)
        #expect(try search(Self.page([], hasMore: true), after: "file-9") == ["data": []])
    }
}
