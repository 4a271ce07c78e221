import HostCore
import Testing

struct FileIDCodecTests {
    private let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")

    @Test
    func ownIDsAreShortOpaqueAndComeBack() {
        let codec = Samples.codec()
        let text = codec.text(for: Samples.file())

        #expect(text.hasPrefix("file-"))
        #expect(text.utf8.count == 45)
        #expect(text.dropFirst(5).allSatisfy(alphabet.contains))
        #expect(codec.read(text) == .managed(FileID(uuid: Samples.uuid)))
    }

    @Test
    func everyOtherCharacterAtEveryPlaceIsRefused() {
        let codec = Samples.codec()
        let text = Array(codec.text(for: Samples.file()))

        for index in 5..<text.count {
            for character in alphabet + Array("ABZ018-_=é ") where character != text[index] {
                var forged = text
                forged[index] = character
                #expect(codec.read(String(forged)) == .unknown || character.utf8.count > 1, "\(index) \(character)")
            }
        }
    }

    @Test
    func everyFlippedBitIsRefused() throws {
        let codec = Samples.codec()
        let text = codec.text(for: Samples.file())
        let bytes = try #require(Base32.decode(text.dropFirst(5)))

        for bit in 0..<bytes.count * 8 {
            var forged = bytes
            forged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(codec.read("file-" + Base32.encode(forged)) == .unknown)
        }
    }

    @Test
    func idsOfAnotherKeyAreRefused() {
        let text = Samples.codec(key: 8).text(for: Samples.file())

        #expect(Samples.codec(key: 7).read(text) == .unknown)
    }

    @Test
    func everyFormIsReadWhateverIsWritten() {
        let own = Samples.codec(.gantry)
        let other = Samples.codec(.litellm)
        let id = FileIDReading.managed(FileID(uuid: Samples.uuid))

        #expect(other.read(own.text(for: Samples.file())) == id)
        #expect(own.read(other.text(for: Samples.file())) == id)
        #expect(other.text(for: Samples.file()) == LiteLLMFileIDTests.example)
    }

    @Test(arguments: [
        "file-abc123", "file_011CNha8iCJcU1wXNR6q4V8w", "files/abc", "gs://bucket/object.pdf", "s3://bucket/key",
        "https://generativelanguage.googleapis.com/v1beta/files/abc", "https://api.openai.com/v1/files/file-abc",
    ])
    func providersOwnIDsAreRaw(text: String) {
        #expect(Samples.codec().read(text) == .raw)
    }

    @Test(arguments: ["", "abc", "https://example.com/a.png", "FILE-abc", "bGl0ZWxsbV9wcm94eQ", "resp_1"])
    func theRestIsUnknown(text: String) {
        #expect(Samples.codec().read(text) == .unknown)
    }
}

struct LiteLLMFileIDTests {
    /// The id of LiteLLM's documentation.
    static let example =
        "bGl0ZWxsbV9wcm94eTphcHBsaWNhdGlvbi9vY3RldC1zdHJlYW07dW5pZmllZF9pZCwyYTgzOWIyYS03YzI1LTRiNTUtYTUxYS1lZjdhODljNzZk"
        + "MzU7dGFyZ2V0X21vZGVsX25hbWVzLGdwdC00by1iYXRjaA"

    @Test
    func theDocumentedIDIsReadAndWritten() {
        let written = LiteLLMFileID(
            uuid: Samples.uuid,
            mimeType: "application/octet-stream",
            targetNames: ["gpt-4o-batch"]
        )

        #expect(LiteLLMFileID.uuid(in: Self.example) == Samples.uuid)
        #expect(LiteLLMFileID.uuid(in: Self.example + "==") == Samples.uuid)
        #expect(written.text == Self.example)
    }

    @Test
    func theSecondGenerationIsRead() {
        let id = encoded(
            "litellm_proxy:application/json;unified_id,\(Samples.uuidText);target_model_names,a,b;"
                + "llm_output_file_id,file-abc;llm_output_file_model_id,dep-1"
        )

        #expect(LiteLLMFileID.uuid(in: id) == Samples.uuid)
    }

    @Test(arguments: [
        "", "litellm_proxy:a/b", "litellm_proxy:a/b;unified_id,", "litellm_proxy:a/b;unified_id,not-a-uuid",
        "proxy:a/b;unified_id,\(Samples.uuidText)", "litellm_proxy;model_id:dep;llm_batch_id:batch_1",
        "litellm_proxy:a/b;unified_id,\(Samples.uuidText);unified_id,\(Samples.uuidText)",
        "litellm_proxy:a/b;unified_id,\(Samples.uuidText)x",
    ])
    func otherTextsAreRefused(plain: String) {
        #expect(LiteLLMFileID.uuid(in: encoded(plain)) == nil)
    }

    @Test
    func whatIsNotUTF8OrFarTooLongIsRefused() {
        let opening = Array("litellm_proxy:a/b;unified_id,\(Samples.uuidText);".utf8)

        #expect(LiteLLMFileID.uuid(in: URLSafeBase64.encode(opening + [0xff])) == nil)
        #expect(LiteLLMFileID.uuid(in: URLSafeBase64.encode(opening + [UInt8](repeating: 97, count: 9000))) == nil)
    }

    private func encoded(_ plain: String) -> String { URLSafeBase64.encode(Array(plain.utf8)) }
}
