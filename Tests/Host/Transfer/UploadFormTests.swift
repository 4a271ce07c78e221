import HostCore
import HostTransfer
import NIOCore
import Testing

struct UploadFormTests {
    private static let purpose = MultipartBodies.field("purpose", "user_data")
    private static let targets = MultipartBodies.field("target_model_names", "gpt, gemini")
    private static let file = MultipartBodies.file("a.txt", Array("hello".utf8))

    @Test
    func theFormOfEverySDKIsRead() throws {
        let upload = try read([
            Self.purpose, Self.targets, MultipartBodies.field("expires_after[anchor]", "created_at"),
            MultipartBodies.field("expires_after[seconds]", "3600"),
            MultipartBodies.field("litellm_metadata", #"{"a":1}"#),
            MultipartBodies.field("custom_llm_provider", "openai"), Self.file,
        ])

        #expect(
            upload.request
                == UploadRequest(
                    purpose: .userData,
                    targetNames: ["gpt", "gemini"],
                    expiresAfterSeconds: 3600,
                    filename: "a.txt",
                    mimeType: "text/plain",
                    metadata: #"{"a":1}"#
                )
        )
        #expect(upload.content == Array("hello".utf8))
    }

    @Test
    func everyOrderMeansTheSame() throws {
        let pieces = [
            Self.purpose, Self.targets, Self.file, MultipartBodies.field("expires_after[anchor]", "created_at"),
            MultipartBodies.field("expires_after[seconds]", "2592000"),
        ]
        let expected = try read(pieces)

        for order in permutations(pieces) { #expect(try read(order) == expected) }
    }

    @Test
    func repeatedTargetFieldsAreGathered() throws {
        let upload = try read([
            MultipartBodies.field("target_model_names[]", "a"), Self.purpose, Self.file,
            MultipartBodies.field("target_model_names[]", "b,c"), MultipartBodies.field("target_model_names", "a,d"),
        ])

        #expect(upload.request.targetNames == ["a", "b", "c", "d"])
    }

    @Test
    func whatPrecedesTheFileIsKnownBeforeItsFirstByte() throws {
        var form = try UploadForm(contentType: MultipartBodies.contentType)
        form.append(ByteBuffer(bytes: Self.purpose + Self.targets + Self.file))

        #expect(try form.next() == .fileBegan)

        #expect(form.fieldsSoFar.purpose == .userData)
        #expect(form.fieldsSoFar.targetNames == ["gpt", "gemini"])
        #expect(form.fieldsSoFar.filename == "a.txt")
        #expect(form.fieldsSoFar.mimeType == "text/plain")
    }

    @Test
    func aBadFieldBeforeTheFileIsRefusedBeforeTheFile() throws {
        var form = try UploadForm(contentType: MultipartBodies.contentType)
        form.append(ByteBuffer(bytes: MultipartBodies.field("purpose", "fun") + Self.file))

        #expect(throws: RuleError.self) { try form.next() }
    }

    struct Refusal: Sendable {
        let pieces: [[UInt8]]
        let parameter: String
        var code = RuleError.Code.invalidRequest
    }

    static let refusals = [
        Refusal(pieces: [file], parameter: "purpose"), Refusal(pieces: [purpose], parameter: "file"),
        Refusal(pieces: [purpose, file, file], parameter: "file"),
        Refusal(pieces: [purpose, purpose, file], parameter: "purpose"),
        Refusal(pieces: [MultipartBodies.field("purpose", "batch_output"), file], parameter: "purpose"),
        Refusal(pieces: [MultipartBodies.field("purpose", ""), file], parameter: "purpose"),
        Refusal(pieces: [purpose, MultipartBodies.file("", [1])], parameter: "file"),
        Refusal(pieces: [purpose, MultipartBodies.field("file", "text")], parameter: "file"),
        Refusal(pieces: [purpose, MultipartBodies.field("colour", "red"), file], parameter: "colour"),
        Refusal(pieces: [purpose, MultipartBodies.field("expires_after", "1"), file], parameter: "expires_after"),
        Refusal(
            pieces: [purpose, file, MultipartBodies.field("expires_after[seconds]", "3600")],
            parameter: "expires_after[anchor]"
        ),
        Refusal(
            pieces: [purpose, file, MultipartBodies.field("expires_after[anchor]", "created_at")],
            parameter: "expires_after[seconds]"
        ),
        Refusal(
            pieces: [purpose, file, MultipartBodies.field("expires_after[anchor]", "now")],
            parameter: "expires_after[anchor]"
        ),
        Refusal(
            pieces: [MultipartBodies.part(["Content-Disposition: form-data; name=purpose; filename=a"], []), file],
            parameter: "purpose"
        ),
        Refusal(
            pieces: [MultipartBodies.part(["Content-Disposition: form-data; name=purpose"], [0xff])],
            parameter: "purpose"
        ),
        Refusal(
            pieces: [MultipartBodies.field("litellm_metadata", String(repeating: "a", count: 65_537))],
            parameter: "litellm_metadata",
            code: .tooLarge
        ),
        Refusal(pieces: [purpose, MultipartBodies.file("a", [1], contentType: "text")], parameter: "file"),
    ]

    @Test(arguments: refusals)
    func badFormsAreRefusedAndTheFieldIsNamed(refusal: Refusal) {
        let error = #expect(throws: RuleError.self) { try read(refusal.pieces) }

        #expect(error?.code == refusal.code)
        #expect(error?.parameter == refusal.parameter)
    }

    @Test(arguments: [
        "3599", "2592001", "", "-1", "+3600", "3600.0", "0x1000", "99999999999999999999", " 3600", "٣٦٠٠",
    ])
    func theSecondsOfAnExpiryAreBounded(seconds: String) {
        let error = #expect(throws: RuleError.self) {
            try read([
                Self.purpose, Self.file, MultipartBodies.field("expires_after[anchor]", "created_at"),
                MultipartBodies.field("expires_after[seconds]", seconds),
            ])
        }

        #expect(error?.parameter == "expires_after[seconds]")
    }

    @Test(arguments: [
        ("a.pdf", "application/octet-stream", "application/pdf"), ("a.PDF", nil, "application/pdf"),
        ("a.pdf", "text/plain", "text/plain"), ("a.jsonl", "application/octet-stream", "application/jsonl"),
        ("a", nil, "application/octet-stream"), ("a.unknown", nil, "application/octet-stream"),
        (".pdf", nil, "application/pdf"), ("a.", nil, "application/octet-stream"),
        ("a.tar.csv", nil, "text/csv"), ("a.bin", "Text/Plain ; charset=UTF-8", "text/plain"),
        ("a.png", "Application/Octet-Stream", "image/png"), ("a", "image/svg+xml", "image/svg+xml"),
    ])
    func theTypeIsWhatTheClientSaysElseWhatTheNameSuggests(
        filename: String,
        contentType: String?,
        mimeType: String
    ) throws {
        #expect(try MIMEType.choose(contentType: contentType, filename: filename) == mimeType)
    }

    @Test(arguments: [
        "", "text", "text/", "/plain", "text/plain/x", "te xt/plain", "text/pläin", "text /plain", ";",
        "a/\(String(repeating: "b", count: 126))", "text/plain, text/html",
    ])
    func malformedTypesAreRefused(contentType: String) {
        #expect(throws: RuleError.self) { try MIMEType.choose(contentType: contentType, filename: "a.pdf") }
    }

    private struct Upload: Equatable {
        let request: UploadRequest
        let content: [UInt8]
    }

    private func read(_ pieces: [[UInt8]]) throws -> Upload {
        var form = try UploadForm(contentType: MultipartBodies.contentType)
        var content: [UInt8] = []
        form.append(ByteBuffer(bytes: Array(pieces.joined()) + MultipartBodies.end))
        while let event = try form.next() {
            if case .fileBytes(let bytes) = event { content += bytes.readableBytesView }
        }
        return Upload(request: try form.finish(), content: content)
    }

    private func permutations<Item>(_ items: [Item]) -> [[Item]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { index in
            var rest = items
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }
}
