import HTTPTypes
import HostCore
import HostRegistry
import Testing

@testable import HostServer

struct RecordTextTests {
    @Test(arguments: [
        ("2030-01-31T12:00:00Z", 1_896_091_200), ("2030-01-31T12:00:00.250Z", 1_896_091_200),
        ("2030-01-31T14:00:00+02:00", 1_896_091_200),
    ])
    func theEndOfAKeyIsAMoment(text: String, seconds: Int64) throws {
        let expiry = try RecordText.expiry(duration: nil, expires: text)

        #expect(expiry == .at(UnixTime(secondsSince1970: seconds)))
    }

    @Test
    func aDurationIsASpanOrNever() throws {
        #expect(try RecordText.expiry(duration: "30s", expires: nil) == .after(.seconds(30)))
        #expect(try RecordText.expiry(duration: "-1", expires: nil) == .never)
        #expect(try RecordText.expiry(duration: nil, expires: nil) == nil)
    }

    @Test(arguments: ["", "tomorrow", "2030-13-01T00:00:00Z", "1896091200", "2030-01-31"])
    func anythingElseIsNoMoment(text: String) {
        let error = #expect(throws: RuleError.self) { try RecordText.expiry(duration: nil, expires: text) }

        #expect(error?.code == .invalidRequest && error?.parameter == "expires")
    }

    @Test
    func aDurationAndAMomentTogetherAreRefused() {
        let error = #expect(throws: RuleError.self) {
            try RecordText.expiry(duration: "1d", expires: "2030-01-31T12:00:00Z")
        }

        #expect(error?.parameter == "expires")
    }

    @Test
    func metadataIsAnObject() throws {
        #expect(try RecordText.metadata(.map(["a": .integer(1)])) == #"{"a":1}"#)
        #expect(try RecordText.metadata(nil) == nil)
        #expect(throws: RuleError.self) { try RecordText.metadata(.list([])) }
        #expect(try RecordText.metadata(shown: #"{"a":1}"#) == .map(["a": .integer(1)]))
        #expect(try RecordText.metadata(shown: nil) == .map([:]))
    }

    @Test
    func aWordIsOneOfThoseThatExist() throws {
        #expect(try RecordText.word("internal_user", Role.self, parameter: "user_role") == .user)
        let error = #expect(throws: RuleError.self) {
            try RecordText.word("root", Role.self, parameter: "user_role")
        }
        #expect(error?.message.contains("proxy_admin_viewer") == true)
    }

    @Test
    func aSelectorIsAKeyOrAnID() {
        #expect(KeySelector("sk-1") == .digest(KeyDigest(of: "sk-1")))
        #expect(KeySelector("SK-1") == .id(KeyID("SK-1")))
        #expect(KeySelector("") == .id(KeyID("")))
    }

    @Test(arguments: [RegistryError.Code.forbidden, .modelsForbidden])
    func whatMayNotBeDoneIsForbidden(code: RegistryError.Code) {
        let answer = ErrorResponses.answer(for: RegistryError(code, "no", parameter: "key"))

        #expect(answer.status == .forbidden)
        #expect(answer.type == "permission_error")
        #expect(answer.code == (code == .forbidden ? "admin_only" : "key_model_access_denied"))
        #expect(answer.parameter == "key")
    }
}
