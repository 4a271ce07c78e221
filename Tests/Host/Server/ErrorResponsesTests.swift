import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Testing

@testable import HostServer

struct ErrorResponsesTests {
    private static let deployment = Deployment(
        id: DeploymentID("gpt~1"),
        modelName: "gpt",
        configuredModel: "gpt-4o",
        upstreamModel: "gpt-4o",
        plugin: "openai",
        weight: 1,
        timeout: .seconds(1)
    )

    @Test(arguments: [
        (OperationFailure.Reason.invalid, 400, "invalid_request_error"), (.unsupported, 400, "invalid_request_error"),
        (.notFound, 404, "invalid_request_error"), (.conflict, 409, "invalid_request_error"),
        (.tooLarge, 413, "invalid_request_error"), (.contextLength, 400, "invalid_request_error"),
        (.filtered, 400, "invalid_request_error"), (.rateLimit, 429, "rate_limit_error"),
        (.quota, 429, "rate_limit_error"), (.upstreamAuthentication, 502, "api_error"),
        (.upstreamUnavailable, 503, "api_error"), (.upstreamTimeout, 504, "api_error"),
        (.upstreamProtocol, 502, "api_error"), (.internalError, 500, "api_error"), (.pluginFailed, 503, "api_error"),
        (.journalUnavailable, 503, "api_error"),
    ])
    func aProvidersFailureHasTheStatusOfItsClass(
        reason: OperationFailure.Reason,
        status: Int,
        type: String
    ) {
        let failure = DeploymentFailure(deployment: Self.deployment, failure: OperationFailure(reason, "no luck"))

        let answer = ErrorResponses.answer(for: failure)

        #expect(answer.status.code == status)
        #expect(answer.type == type)
        #expect(answer.message.contains("gpt~1") && answer.message.contains("no luck"))
        #expect((answer.retryAfter != nil) == (status == 429 || status == 503))
    }

    @Test(arguments: [
        (RuleError.Code.fileAccessDenied, 403), (.fileNotFound, 404), (.fileExpired, 404), (.fileLost, 404),
        (.rawFileID, 400),
        (.keyModelAccessDenied, 403), (.modelNotFound, 400), (.adminOnly, 403), (.tooLarge, 413),
        (.invalidRequest, 400), (.unsupported, 400), (.uploadNotFound, 404), (.uploadAccessDenied, 403),
        (.uploadExpired, 400), (.uploadCompleted, 400), (.uploadCancelled, 400), (.uploadUnderWay, 409),
    ])
    func aBrokenRuleHasTheContractsStatus(code: RuleError.Code, status: Int) {
        let answer = ErrorResponses.answer(for: RuleError(code, "because", parameter: "model"))

        #expect(answer.status.code == status)
        #expect(answer.parameter == "model")
    }

    @Test
    func aPartThatIsElsewhereNamesItsHostAndWhatToDo() {
        let part = UploadPart(
            id: ObjectID(.part, uuid: .random()),
            sizeInBytes: 1,
            sha256: "aa",
            host: "host-2",
            createdAt: UnixTime(secondsSince1970: 0)
        )

        let elsewhere = ErrorResponses.answer(for: MissingPart(part: part, elsewhere: "host-2"))
        let lost = ErrorResponses.answer(for: MissingPart(part: part, elsewhere: nil))

        #expect(elsewhere.status == .conflict && elsewhere.code == "upload_part_elsewhere")
        #expect(elsewhere.message.contains("host-2") && elsewhere.message.contains("uploads_folder"))
        #expect(lost.status == .conflict && lost.code == "upload_part_lost")
    }

    @Test
    func aDatabaseThatIsAwayIsNever401() {
        let answer = ErrorResponses.answer(for: RegistryError(.storeUnavailable, "away"))

        #expect(answer.status == .serviceUnavailable)
        #expect(answer.code == "registry_unavailable")
        #expect(answer.retryAfter != nil)
    }

    @Test
    func anUnforeseenErrorSaysNothingOfItself() {
        struct Secret: Error { let text = "sk-secret" }

        let answer = ErrorResponses.answer(for: Secret())

        #expect(answer.status == .internalServerError)
        #expect(!answer.message.contains("secret"))
    }
}

struct ContentDispositionTests {
    @Test(arguments: [
        ("a.pdf", "attachment; filename=\"a.pdf\""),
        ("a\"b\r\n.pdf", "attachment; filename=\"a_b__.pdf\"; filename*=UTF-8''a%22b%0D%0A.pdf"),
        ("ü.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%C3%BC.pdf"),
    ])
    func aNameInAnyScriptIsOfferedWithoutBreakingTheHeader(name: String, header: String) {
        #expect(ContentDisposition.attachment(name) == header)
    }
}
