import Foundation
import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct CredentialTests {
    private static let scope: JSON = ["scope": "https://www.googleapis.com/auth/cloud-platform"]

    @Test
    func aServiceAccountSignsAnAssertion() throws {
        let harness = try Deployment.harness()
        var signed: (algorithm: UInt32, key: String, text: String)?
        harness.host.sign = { algorithm, key, data in
            signed = (algorithm, key, String(decoding: data, as: UTF8.self))
            return [0xFB, 0xFF, 0xFE]
        }

        let probe = try harness.start(.credential, input: Self.scope)
        let call = try #require(probe.last)
        probe.respond(200, #"{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}"#)

        #expect(call.method == "POST")
        #expect(call.url == "https://oauth2.googleapis.com/token")
        #expect(call.header("content-type")?.value == "application/x-www-form-urlencoded")
        let prefix = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        let body = call.bodyText()
        #expect(body.hasPrefix(prefix))
        let parts = body.dropFirst(prefix.count).split(separator: ".").map(String.init)
        try #require(parts.count == 3)
        #expect(signed?.algorithm == 3)
        #expect(signed?.key == "s.private_key")
        #expect(signed?.text == "\(parts[0]).\(parts[1])")
        #expect(parts[2] == "-__-")
        #expect(try Self.decoded(parts[0]) == ["typ": "JWT", "alg": "RS256", "kid": "key-1"])
        #expect(
            try Self.decoded(parts[1]) == [
                "iss": "robot@p.iam.gserviceaccount.com", "scope": "https://www.googleapis.com/auth/cloud-platform",
                "aud": "https://oauth2.googleapis.com/token", "iat": 1_795_305_600, "exp": 1_795_309_200,
            ]
        )
        let end = try #require(probe.last)
        #expect(end.kind == .result)
        #expect(String(decoding: end.data, as: UTF8.self) == "ya29.x")
        #expect(end.value == (3599 - 225) * 1000)
    }

    @Test
    func theAudienceIsGooglesWhereverTheTokenComesFrom() throws {
        var document = try #require(Deployment.serviceAccount.object)
        document["token_uri"] = "http://127.0.0.1:9000/token?x=1"

        let probe = try Deployment.harness(["vertex_credentials": .object(document)])
            .start(.credential, input: Self.scope)

        let call = try #require(probe.last)
        #expect(call.url == "http://127.0.0.1:9000/token?x=1")
        let claims = try #require(call.bodyText().split(separator: ".").dropFirst().first)
        #expect(try Self.decoded(String(claims))["aud"] == "https://oauth2.googleapis.com/token")
    }

    @Test
    func aPersonsTokenIsRefreshedWithSecretsThePluginNeverSees() throws {
        let probe = try Deployment.harness(["vertex_credentials": Deployment.authorizedUser])
            .start(.credential, input: Self.scope)

        let call = try #require(probe.last)
        probe.respond(200, #"{"access_token":"ya29.y","expires_in":100}"#)

        #expect(call.url == "https://oauth2.googleapis.com/token")
        #expect(
            call.body == [
                .bytes(Array("grant_type=refresh_token&client_id=a%20b&client_secret=".utf8)),
                .secret("s.client_secret", formEncoded: true), .bytes(Array("&refresh_token=".utf8)),
                .secret("s.refresh_token", formEncoded: true),
            ]
        )
        #expect(probe.last?.kind == .result)
        #expect(probe.last?.value == 0)
    }

    @Test
    func withoutCredentialsTheMetadataServerIsAsked() throws {
        let probe = try Deployment.harness(["vertex_credentials": nil]).start(.credential, input: Self.scope)

        let call = try #require(probe.last)
        probe.respond(
            200,
            #"{"access_token":"ya29.m","expires_in":1000,"token_type":"Bearer"}"#,
            headers: [("metadata-flavor", "Google")]
        )

        #expect(call.method == "GET")
        #expect(
            call.url == "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
                + "?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
        )
        #expect(call.header("metadata-flavor")?.value == "Google")
        #expect(probe.last?.value == 775_000)
    }

    @Test
    func aMetadataServerThatDoesNotSayWhoItIsIsNotBelieved() throws {
        let probe = try Deployment.harness(["vertex_credentials": nil, "metadata_host": "127.0.0.1:8080"])
            .start(.credential, input: Self.scope)
        let call = try #require(probe.last)

        probe.respond(200, #"{"access_token":"evil","expires_in":1000}"#)

        #expect(call.url.hasPrefix("http://127.0.0.1:8080/computeMetadata/"))
        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(
        arguments: [
            "", "x", "{}", #"{"access_token":"","expires_in":9}"#, #"{"access_token":"a b","expires_in":9}"#,
            #"{"access_token":"a\r\nX: y","expires_in":9}"#, #"{"access_token":"a"}"#,
            #"{"access_token":"a","expires_in":0}"#, #"{"access_token":"a","expires_in":"9"}"#,
        ]
    )
    func anAnswerWithoutAUsableTokenIsAFailure(body: String) throws {
        let probe = try Deployment.harness().start(.credential, input: Self.scope)

        probe.respond(200, body)

        #expect(probe.failure?.reason == .upstreamProtocol)
    }

    @Test(
        arguments: [
            (400, .upstreamAuthentication, false), (401, .upstreamAuthentication, false),
            (403, .upstreamAuthentication, false), (404, .upstreamAuthentication, false),
            (408, .upstreamUnavailable, true), (429, .upstreamUnavailable, true), (503, .upstreamUnavailable, true),
        ] as [(Int32, FailureReason, Bool)]
    )
    func aRefusalShowsItsWordAndNotItsText(status: Int32, reason: FailureReason, isRetryable: Bool) throws {
        let probe = try Deployment.harness().start(.credential, input: Self.scope)

        probe.respond(status, #"{"error":"invalid_grant","error_description":"Bad key MIIE"}"#)

        let failure = try #require(probe.failure)
        #expect(failure.reason == reason)
        #expect(failure.isRetryable == isRetryable)
        #expect(failure.message.contains("invalid_grant"))
        #expect(!failure.message.contains("MIIE"))
    }

    @Test
    func otherScopesAreRefused() throws {
        let probe = try Deployment.harness().start(.credential, input: ["scope": "x"])

        #expect(probe.failure?.reason == .unsupported)
    }

    @Test
    func aKeyThatCannotSignIsAFailure() throws {
        let harness = try Deployment.harness()
        harness.host.sign = { _, _, _ in nil }

        let probe = try harness.start(.credential, input: Self.scope)

        #expect(probe.failure != nil)
        #expect(probe.commands.count == 1)
    }

    private static func decoded(_ text: String) throws -> JSON {
        var text = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return try JSON(parsing: Array(try #require(Data(base64Encoded: text))))
    }
}
