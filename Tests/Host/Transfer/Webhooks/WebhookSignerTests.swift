import Foundation
import Testing

@testable import HostTransfer

struct WebhookSignerTests {
    private static func key(_ text: String) throws -> [UInt8] { Array(try #require(Data(base64Encoded: text))) }

    @Test
    func aMessageIsSignedAsTheSpecificationsLibrariesDo() throws {
        // The vector of the reference implementations: https://github.com/standard-webhooks/standard-webhooks.
        let signer = WebhookSigner(keys: [try Self.key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")])

        let signature = signer.signature(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: 1_614_265_330,
            body: #"{"test": 2432232314}"#
        )

        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test
    func everyKeySignsWhileTheyAreBeingChanged() throws {
        let keys = [try Self.key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), [UInt8](repeating: 7, count: 32)]
        let each = keys.map { WebhookSigner(keys: [$0]).signature(id: "msg_1", timestamp: 1, body: "{}") }

        let both = WebhookSigner(keys: keys).signature(id: "msg_1", timestamp: 1, body: "{}")

        #expect(both == each.joined(separator: " "))
        #expect(each[0] != each[1])
    }
}
