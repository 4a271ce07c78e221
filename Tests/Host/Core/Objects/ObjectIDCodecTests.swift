import HostCore
import Testing

struct ObjectIDCodecTests {
    private let there = DeploymentID("gpt-4o;llm_batch_id:x")

    @Test(arguments: ManagedObjectKind.allCases)
    func idsHaveThePrefixOfTheirKindAndComeBack(kind: ManagedObjectKind) {
        let codec = Samples.objectCodec()
        let text = codec.text(for: ObjectID(kind, uuid: Samples.uuid), at: there)

        #expect(text.hasPrefix(kind.prefix))
        #expect(text.utf8.count == kind.prefix.utf8.count + 40)
        #expect(codec.id(kind, in: text) == ObjectID(kind, uuid: Samples.uuid))
    }

    @Test(arguments: ManagedObjectKind.allCases, ManagedObjectKind.allCases)
    func theTagOfOneKindIsNoneOfAnother(kind: ManagedObjectKind, other: ManagedObjectKind) {
        guard kind != other else { return }
        let codec = Samples.objectCodec()
        let text = codec.text(for: ObjectID(kind, uuid: Samples.uuid), at: nil)
        let renamed = other.prefix + text.dropFirst(kind.prefix.count)

        #expect(codec.id(other, in: text) == nil)
        #expect(codec.id(other, in: renamed) == nil)
    }

    @Test
    func theTagOfAFileIsNoneOfAnObject() {
        let file = Samples.codec().text(for: Samples.file())
        let renamed = "batch_" + file.dropFirst("file-".count)

        #expect(Samples.objectCodec().id(.batch, in: renamed) == nil)
        #expect(Samples.codec().read("file-" + renamed.dropFirst("batch_".count)) != .unknown)
    }

    @Test
    func everyChangedCharacterAndEveryOtherKeyIsRefused() {
        let codec = Samples.objectCodec()
        let text = Array(codec.text(for: ObjectID(.batch, uuid: Samples.uuid), at: nil))

        for index in 6..<text.count {
            var forged = text
            forged[index] = text[index] == "a" ? "b" : "a"
            #expect(codec.id(.batch, in: String(forged)) == nil)
        }
        #expect(Samples.objectCodec(key: 8).id(.batch, in: String(text)) == nil)
    }

    @Test
    func litellmsFormOfABatchHoldsTheOwnIDWhateverTheDeploymentIsCalled() throws {
        let codec = Samples.objectCodec(.litellm)
        let id = ObjectID(.batch, uuid: Samples.uuid)
        let text = codec.text(for: id, at: there)
        let own = Samples.objectCodec().text(for: id, at: there)
        let plain = String(decoding: try #require(URLSafeBase64.decode(text)), as: UTF8.self)

        #expect(plain == "litellm_proxy;model_id:\(there);llm_batch_id:\(own)")
        #expect(codec.id(.batch, in: text) == id)
        #expect(Samples.objectCodec().id(.batch, in: text) == id)
        #expect(codec.text(for: ObjectID(.job, uuid: Samples.uuid), at: there).hasPrefix("ftjob-"))
    }

    @Test(arguments: [
        "", "litellm_proxy;model_id:d", "litellm_proxy;model_id:d;llm_batch_id:", "llm_batch_id:batch_1",
        "litellm_proxy;model_id:d;llm_batch_id:batch_abc",
    ])
    func whatIsWrappedWithoutATagIsRefused(plain: String) {
        let codec = Samples.objectCodec()

        #expect(codec.id(.batch, in: URLSafeBase64.encode(Array(plain.utf8))) == nil)
        #expect(codec.id(.batch, in: plain) == nil)
    }

    @Test
    func anIDThatIsNoneIsNotFoundByItsKindsCode() {
        let codec = Samples.objectCodec()
        let codes = ManagedObjectKind.allCases.map { kind -> RuleError.Code? in
            do throws(RuleError) {
                _ = try codec.requested(kind, "x")
                return nil
            } catch {
                return error.code
            }
        }

        #expect(codes == [.batchNotFound, .jobNotFound, .responseNotFound, .uploadNotFound, .uploadNotFound])
    }
}
